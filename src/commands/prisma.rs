//! `prisma ARGS…`: what can destroy is guarded, everything else is Prisma's alone.

use super::guarded;
use super::target::working_folder;
use crate::cli::{DevArgs, Globals};
use crate::domain::prisma_command::destructive;
use crate::error::{Error, ErrorKind};
use crate::operations::interrupt::Interrupt;
use crate::prisma::straight;
use crate::ui::{Failure, Ui};

/// What has a command of its own (`prisma migrate dev`) has become that one by now.
pub async fn run(globals: &Globals, mut args: DevArgs, ui: &Ui, interrupt: &Interrupt) -> Result<(), Failure> {
    let words: Vec<_> = args.prisma_args.iter().map(|word| word.to_string_lossy()).collect();
    let Some(found) = destructive(&words) else {
        let ours = [
            ("--schema", globals.schema.is_some()),
            ("--config", globals.config.is_some()),
            ("--url", globals.url.is_some()),
        ];
        if let Some((flag, _)) = ours.into_iter().find(|(_, given)| *given) {
            let message =
                format!("{flag} is not handed on to a command of Prisma's that is not guarded. Nothing was done");
            return Err(Error::new(ErrorKind::Usage, message)
                .hint(format!("Write it behind Prisma's own words: safemigrate prisma COMMAND {flag} …"))
                .into());
        }
        return Err(straight::replace_us(globals.project.as_deref(), &working_folder()?, &args.prisma_args)
            .await
            .into());
    };
    let [group, verb] = found.at;
    args.prisma_args.remove(verb);
    args.prisma_args.remove(group);
    guarded::prisma(globals, &found.command, args, ui, interrupt).await
}
