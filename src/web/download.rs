//! A backup as a file, streamed: nobody holds it. One that breaks off in the middle is a download that failed, in the
//! browser's words too.

use super::Page;
use crate::domain::event::Quiet;
use crate::error::Result;
use crate::operations::export::{Format, file_name, start};
use crate::operations::report::ReportFormat;
use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use std::sync::Arc;

/// The format that an address names.
pub fn format(name: &str) -> Option<Format> {
    [Format::Sql, Format::Inserts, Format::Archive].into_iter().find(|format| format.name() == name)
}

/// The format of a report that an address names.
pub fn report_format(name: &str) -> Option<ReportFormat> {
    match name {
        "html" => Some(ReportFormat::Html),
        "md" => Some(ReportFormat::Markdown),
        _ => None,
    }
}

/// As a file, not as a page: it has a style of its own, which no page of ours may have.
///
/// # Errors
/// `Store`.
pub fn report(page: &Page, run: &str, format: ReportFormat) -> Result<Response> {
    let text = page.place.store.read_report(run, format)?;
    let (kind, ending) = match format {
        ReportFormat::Html => ("text/html; charset=utf-8", "html"),
        ReportFormat::Markdown => ("text/markdown; charset=utf-8", "md"),
    };
    let disposition = format!("attachment; filename=\"report-{run}.{ending}\"");
    Ok(([(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)], text).into_response())
}

/// # Errors
/// `NoSuchBackup`, `Damaged`; `Tool` without a `pg_restore` that fits.
pub fn download(page: &Page, id: &str, format: Format) -> Result<Response> {
    let store = &page.place.store;
    let backup = store.manifest(id)?;
    let name = file_name(&backup, format);
    let export = start(store, &backup, format, Arc::new(Quiet))?;
    let pieces = stream::try_unfold(export, async |mut export| {
        let piece = export.next().await?;
        Ok::<_, crate::error::Error>(piece.map(|piece| (Bytes::from(piece), export)))
    });
    let kind = match format {
        Format::Sql | Format::Inserts => "application/sql; charset=utf-8",
        Format::Archive => "application/octet-stream",
    };
    // letters of any language: as percent-encoded UTF-8, with a plain name for who cannot read that
    let encoded = percent_encoding::utf8_percent_encode(&name, percent_encoding::NON_ALPHANUMERIC);
    let plain: String = name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    let disposition = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(pieces)).into_response())
}
