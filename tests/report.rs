//! The report of a run: what it tells, that nothing in it means anything to a browser or to Markdown, and how it is found.

mod scene;
mod support;

#[path = "report/example.rs"]
mod example;
#[path = "report/found.rs"]
mod found;
#[path = "report/hostile.rs"]
mod hostile;
#[path = "report/story.rs"]
mod story;
