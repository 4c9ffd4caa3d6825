//! One file a verb: typed arguments → an operation → a report handed to `ui`.

mod backup;
mod check;
mod delete;
mod diff;
mod export;
mod guard;
mod guarded;
mod history;
mod hook;
mod import;
mod init;
mod lint;
mod list;
mod loss;
mod page;
mod pages;
mod pin;
mod prisma;
mod prune;
mod recover;
mod rehearse;
mod rehearsed;
mod reinsert;
mod report;
mod rescue;
mod rollback;
mod rows;
mod schedule;
mod settle;
mod show;
mod status;
mod target;
mod verify;

use crate::cli::{Cli, Command};
use crate::error::Result;
use crate::operations::interrupt::Interrupt;
use crate::operations::target::Place;
use crate::ui::{Failure, Ui};
use tokio::sync::oneshot;

/// Is told where the page can be visited.
pub type Opened = oneshot::Sender<String>;

/// Runs one command to its end; its result is printed by then, its failure is the caller's to print. `serve` is the page,
/// which is no part of the command line.
///
/// # Errors
/// What the command says, with its report where there is one.
pub async fn run<S>(cli: Cli, ui: &Ui, interrupt: &Interrupt, serve: S) -> Result<(), Failure>
where
    S: AsyncFnOnce(Place, Option<u16>, Opened, Interrupt) -> Result<()>,
{
    let globals = cli.globals;
    match cli.command {
        Command::Dev(args) => guarded::dev(&globals, args, ui, interrupt).await,
        Command::Deploy(args) => guarded::deploy(&globals, args, ui, interrupt).await,
        Command::Reset(args) => guarded::reset(&globals, args, ui, interrupt).await,
        Command::Push(args) => guarded::push(&globals, args, ui, interrupt).await,
        Command::Run(args) => guarded::run(&globals, args, ui, interrupt).await,
        Command::Prisma(args) => prisma::run(&globals, args, ui, interrupt).await,
        Command::Backup(args) => backup::run(&globals, &args, ui, interrupt).await,
        Command::List => list::run(&globals, ui),
        Command::Show(args) => show::run(&globals, &args, ui),
        Command::Verify(args) => verify::run(&globals, &args, ui, interrupt).await,
        Command::Diff(args) => diff::run(&globals, &args, ui, interrupt).await,
        Command::Check(args) => check::run(&globals, &args, ui, interrupt).await,
        Command::History => history::run(&globals, ui),
        Command::Report(args) => report::run(&globals, &args, ui),
        Command::Schedule(args) => schedule::run(&globals, &args.action, ui, interrupt).await,
        Command::Status => status::run(&globals, ui),
        Command::Recover => recover::run(&globals, ui).await,
        Command::Prune(args) => prune::run(&globals, &args, ui),
        Command::Pin(args) => pin::pin(&globals, &args, ui),
        Command::Unpin(args) => pin::unpin(&globals, &args, ui),
        Command::Delete(args) => delete::run(&globals, &args, ui),
        Command::Rehearse(args) => rehearse::run(&globals, &args, ui, interrupt).await,
        Command::Rollback(args) => rollback::run(&globals, &args, ui, interrupt).await,
        Command::Reinsert(args) => reinsert::run(&globals, &args, ui, interrupt).await,
        Command::Export(args) => export::run(&globals, &args, ui, interrupt).await,
        Command::Import(args) => import::run(&globals, &args, ui, interrupt).await,
        Command::Guard(args) => guard::run(&globals, args.action, ui).await,
        Command::Lint(args) => lint::run(&globals, &args, ui),
        Command::Hook(args) => hook::run(&globals, &args.action, ui),
        Command::Init(args) => init::run(&globals, &args, ui),
        Command::Ui(args) => page::run(&globals, &args, ui, interrupt, serve).await,
        Command::Completions(args) => pages::shell(&args, ui),
        Command::Man(args) => pages::man(&args, ui),
    }
}
