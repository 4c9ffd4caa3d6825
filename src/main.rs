//! safemigrate: parse, run, exit with the code of the contract.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

use safemigrate::cli::{self, Stop};
use safemigrate::commands;
use safemigrate::operations::interrupt::{Interrupt, Interrupter};
use safemigrate::prisma::gate;
use safemigrate::ui::Ui;
use safemigrate::web;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    if gate::is_stand_in(words.next().as_deref()) {
        gate::stand_in(words);
        return ExitCode::FAILURE;
    }
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(Stop::Help { settings, text }) => {
            Ui::new(settings).page(&text);
            return ExitCode::SUCCESS;
        }
        Err(Stop::Wrong { settings, command, error }) => {
            Ui::new(settings).error(&error, &command);
            return ExitCode::from(error.kind.exit_code());
        }
    };
    let ui = Ui::new(cli.globals.ui_settings());
    let name = cli.command.name();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            ui.error(
                &safemigrate::error::Error::new(safemigrate::error::ErrorKind::Other, "No threads can be started")
                    .because(e),
                name,
            );
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(async {
        let (interrupter, interrupt) = Interrupt::new();
        tokio::spawn(listen(interrupter));
        commands::run(cli, &ui, &interrupt, web::serve).await
    });
    ui.clear_progress();
    let code = match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            ui.failure(&failure, name);
            ExitCode::from(failure.error.kind.exit_code())
        }
    };
    // a reader thread that still waits for the server must not keep us
    runtime.shutdown_background();
    code
}

/// Ctrl-C, `kill` and a closed terminal all mean: stop cleanly.
async fn listen(interrupter: Interrupter) {
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()), signal(SignalKind::hangup()));
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = signals else { return };
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        interrupter.interrupt();
    }
}
