//! A backup as a file, streamed: nobody holds it. One that breaks off in the middle is a download that failed, in the
//! browser's words too.

use super::Page;
use crate::domain::event::Quiet;
use crate::error::Result;
use crate::operations::export::{Format, file_name, start};
use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use std::sync::Arc;

/// The format that an address names.
pub fn format(name: &str) -> Option<Format> {
    [Format::Sql, Format::Inserts, Format::Archive].into_iter().find(|format| format.name() == name)
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
