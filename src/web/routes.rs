//! Which address shows or does what. Looking changes nothing; everything that changes is a POST.

use super::gate::guard;
use super::html::{self, ICON, SCRIPT, STYLE, View};
use super::jobs::Job;
use super::language::Language;
use super::work::{Wish, Work};
use super::{Page, download, listing, one, outcome, runs};
use crate::domain::event::Quiet;
use crate::domain::reinsert::{OnConflict, Rejects};
use crate::error::{Error, ErrorKind, Result};
use crate::operations::checkpoint::Kinds;
use crate::operations::journal::enter;
use crate::operations::retention::{candidate, delete};
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Form, FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use std::convert::Infallible;
use std::sync::Arc;

type Shared = State<Arc<Page>>;

pub fn router(page: Arc<Page>) -> Router {
    Router::new()
        .route("/", get(async || Redirect::to("/backups")))
        .route("/backups", get(list).post(create))
        .route("/backups/{id}", get(backup))
        .route("/backups/{id}/{verb}", post(act))
        .route("/backups/{id}/download/{format}", get(file))
        .route("/runs", get(all_runs))
        .route("/runs/{id}", get(run))
        .route("/runs/{id}/report/{format}", get(report))
        .route("/jobs/{number}", get(job))
        .route("/jobs/{number}/live", get(job_live))
        .route("/jobs/{number}/cancel", post(cancel))
        .route("/now", get(now))
        .route("/assets/style.css", get(async || asset("text/css; charset=utf-8", STYLE)))
        .route("/assets/page.js", get(async || asset("text/javascript; charset=utf-8", SCRIPT)))
        .route("/assets/icon.svg", get(async || asset("image/svg+xml", ICON)))
        .fallback(nowhere)
        .layer(from_fn_with_state(Arc::clone(&page), guard))
        .with_state(page)
}

fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind)], text)
}

/// One that cannot be read is as none.
type Asked = Result<Query<listing::Wish>, QueryRejection>;

/// Who is looking at which address.
struct Visit {
    language: Language,
    path: String,
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let language = Language::of(&parts.headers, parts.uri.query());
        // where a form leads, nothing is to be looked at in another language
        let path = if parts.method == Method::POST { "/backups" } else { parts.uri.path() };
        Ok(Self { language, path: path.to_owned() })
    }
}

impl Visit {
    fn view(self, page: &Page) -> View<'_> {
        View { page, language: self.language, path: self.path }
    }
}

/// A page, or why there is none, in the frame of the others.
fn shown(visit: Visit, page: &Page, content: impl FnOnce(&View<'_>) -> Result<Option<maud::Markup>>) -> Response {
    let view = visit.view(page);
    match content(&view) {
        Ok(Some(markup)) => markup.into_response(),
        Ok(None) => (StatusCode::NOT_FOUND, view.page(view.words().not_found, &html::nothing(&view))).into_response(),
        Err(error) => (status(&error), view.page(view.words().failed, &view.error(&error))).into_response(),
    }
}

fn status(error: &Error) -> StatusCode {
    match error.kind {
        ErrorKind::Usage => StatusCode::BAD_REQUEST,
        ErrorKind::NoSuchBackup => StatusCode::NOT_FOUND,
        ErrorKind::Production | ErrorKind::Confirmation => StatusCode::FORBIDDEN,
        ErrorKind::Locked => StatusCode::CONFLICT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// `f-…`, `d-…` or `r-…` as we make them: nothing else comes near a file's name.
fn is_id(text: &str, prefixes: &[&str]) -> bool {
    let stem = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix));
    stem.is_some_and(|stem| stem.len() == 8 && stem.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()))
}

async fn nowhere(State(page): Shared, visit: Visit) -> Response {
    shown(visit, &page, |_| Ok(None))
}

async fn list(State(page): Shared, visit: Visit, wish: Asked) -> Response {
    let wish = wish.map(|Query(wish)| wish).unwrap_or_default();
    shown(visit, &page, |view| listing::page(view, &wish).map(Some))
}

async fn backup(State(page): Shared, visit: Visit, Path(id): Path<String>) -> Response {
    shown(visit, &page, |view| if is_id(&id, &["f-", "d-"]) { one::page(view, &id) } else { Ok(None) })
}

async fn file(State(page): Shared, visit: Visit, Path((id, format)): Path<(String, String)>) -> Response {
    match download::format(&format).filter(|_| is_id(&id, &["f-", "d-"])) {
        Some(format) => match download::download(&page, &id, format) {
            Ok(file) => file,
            Err(error) => shown(visit, &page, |_| Err(error)),
        },
        None => shown(visit, &page, |_| Ok(None)),
    }
}

async fn all_runs(State(page): Shared, visit: Visit) -> Response {
    shown(visit, &page, |view| runs::page(view).map(Some))
}

async fn run(State(page): Shared, visit: Visit, Path(id): Path<String>) -> Response {
    shown(visit, &page, |view| if is_id(&id, &["r-"]) { runs::one(view, &id) } else { Ok(None) })
}

async fn report(State(page): Shared, visit: Visit, Path((id, format)): Path<(String, String)>) -> Response {
    match download::report_format(&format).filter(|_| is_id(&id, &["r-"])) {
        Some(format) if page.place.store.reports().contains(&id) => match download::report(&page, &id, format) {
            Ok(file) => file,
            Err(error) => shown(visit, &page, |_| Err(error)),
        },
        _ => shown(visit, &page, |_| Ok(None)),
    }
}

async fn now(State(page): Shared, visit: Visit) -> Response {
    visit.view(&page).now().into_response()
}

fn found(page: &Page, number: &str) -> Option<Arc<Job>> {
    number.parse().ok().and_then(|number| page.jobs.find(number))
}

async fn job(State(page): Shared, visit: Visit, Path(number): Path<String>) -> Response {
    shown(visit, &page, |view| Ok(found(&page, &number).map(|job| outcome::page(view, &job))))
}

/// The part of it that changes; a script asks for the whole page once it is over.
async fn job_live(State(page): Shared, visit: Visit, Path(number): Path<String>) -> Response {
    let Some(job) = found(&page, &number) else { return StatusCode::NOT_FOUND.into_response() };
    if job.end().is_some() {
        return StatusCode::RESET_CONTENT.into_response();
    }
    outcome::part(&visit.view(&page), &job).into_response()
}

async fn cancel(State(page): Shared, visit: Visit, Path(number): Path<String>) -> Response {
    match found(&page, &number) {
        Some(job) => {
            job.cancel();
            Redirect::to(&format!("/jobs/{}", job.number)).into_response()
        }
        None => shown(visit, &page, |_| Ok(None)),
    }
}

fn started(page: &Arc<Page>, work: Work) -> Response {
    let job = page.jobs.start(page, work);
    Redirect::to(&format!("/jobs/{}", job.number)).into_response()
}

/// Everything that a form of ours can carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    kind: String,
    typed: String,
    maps: String,
    fills: String,
    map_values: String,
    tables: String,
    on_conflict: String,
    rejects: String,
}

impl Fields {
    fn wish(self) -> Option<Wish> {
        let on_conflict = match self.on_conflict.as_str() {
            "" => OnConflict::default(),
            name => OnConflict::of_name(name)?,
        };
        let rejects = match self.rejects.as_str() {
            "" => Rejects::default(),
            name => Rejects::of_name(name)?,
        };
        let Self { maps, fills, map_values, tables, .. } = self;
        Some(Wish { maps, fills, map_values, tables, on_conflict, rejects })
    }
}

async fn create(State(page): Shared, visit: Visit, Form(fields): Form<Fields>) -> Response {
    match Kinds::of_name(&fields.kind) {
        Some(kinds) => started(&page, Work::Backup(kinds)),
        None => shown(visit, &page, |_| Ok(None)),
    }
}

async fn act(
    State(page): Shared,
    visit: Visit,
    Path((id, verb)): Path<(String, String)>,
    Form(fields): Form<Fields>,
) -> Response {
    let (full, data) = (is_id(&id, &["f-"]), is_id(&id, &["d-"]));
    let typed = fields.typed.clone();
    let work = match verb.as_str() {
        _ if !full && !data => None,
        "pin" | "unpin" | "delete" => return change(&page, visit, &id, &verb, &typed),
        "check" => Some(Work::Check { id }),
        "check-restore" => Some(Work::CheckByRestoring { id }),
        "plan" if full => Some(Work::PlanRollback { id }),
        "plan" => fields.wish().map(|wish| Work::PlanReinsert { id, wish }),
        "rollback" if full => Some(Work::Rollback { id, typed }),
        "reinsert" if data => fields.wish().map(|wish| Work::Reinsert { id, wish, typed }),
        _ => None,
    };
    match work {
        Some(work) => started(&page, work),
        None => shown(visit, &page, |_| Ok(None)),
    }
}

/// What is done at once.
fn change(page: &Page, visit: Visit, id: &str, verb: &str, typed: &str) -> Response {
    let store = &page.place.store;
    let changed = || -> Result<()> {
        let asked = candidate(store, id)?;
        let _lock = enter(store, verb, &Quiet)?;
        match verb {
            "pin" => store.pin(id).map(drop),
            "unpin" => store.unpin(id).map(drop),
            // also where it has come to be held since the page was shown
            _ if !asked.held.is_empty() && typed != id => Err(Error::new(
                ErrorKind::Confirmation,
                format!("{id} is held, and it was not typed as it is written. Nothing was changed"),
            )),
            _ => delete(store, &asked).map(drop),
        }
    };
    match changed() {
        Ok(()) if verb == "delete" => Redirect::to("/backups").into_response(),
        Ok(()) => Redirect::to(&format!("/backups/{id}")).into_response(),
        Err(error) => shown(visit, page, |_| Err(error)),
    }
}
