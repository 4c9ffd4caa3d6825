//! `ui`: the page `/backups`, until Ctrl-C.

use super::Opened;
use super::target::place;
use crate::cli::{Globals, UiArgs};
use crate::error::{Context, Error, ErrorKind, Result};
use crate::operations::interrupt::Interrupt;
use crate::operations::target::Place;
use crate::store::Store;
use crate::ui::{Failure, Fields, Report, Style, Ui};
use serde_json::json;
use tempfile::TempPath;
use tokio::sync::oneshot;

pub async fn run<S>(globals: &Globals, args: &UiArgs, ui: &Ui, interrupt: &Interrupt, serve: S) -> Result<(), Failure>
where
    S: AsyncFnOnce(Place, Option<u16>, Opened, Interrupt) -> Result<()>,
{
    let place = place(globals)?;
    place.store.prepare()?;
    let store = place.store.clone();
    let (opened, address) = oneshot::channel::<String>();
    let opening = async {
        let address = address.await.ok()?;
        ui.result(&Served { address: address.clone() });
        if args.no_open { None } else { browse(&address, &store, ui) }
    };
    // the file goes when the page does
    let (served, _file) = tokio::join!(serve(place, args.port, opened, interrupt.clone()), opening);
    served?;
    ui.say("The page is closed.");
    Ok(())
}

/// The address holds the key, and a browser's command line is no place for it: a private file leads there.
fn browse(address: &str, store: &Store, ui: &Ui) -> Option<TempPath> {
    let page = format!("<!doctype html><meta http-equiv=\"refresh\" content=\"0;url={address}\">");
    let opened = store.private_file(".html", &page).and_then(|file| {
        open::that_detached(&file).context(ErrorKind::Other, || "No browser could be started".into())?;
        Ok(file)
    });
    let not_opened = |why: Error| {
        ui.warn("No browser could be started from here: open the address above yourself.");
        ui.detail(&why.to_string());
    };
    opened.map_err(not_opened).ok()
}

struct Served {
    address: String,
}

impl Report for Served {
    fn command(&self) -> &'static str {
        "ui"
    }

    fn ok(&self) -> bool {
        true
    }

    fn json(&self) -> Fields {
        Fields::from_iter([("address".to_owned(), json!(self.address))])
    }

    fn text(&self, style: &Style) -> String {
        format!("The page is at {}\nIt answers this address alone, until Ctrl-C.", style.cyan(&self.address))
    }
}
