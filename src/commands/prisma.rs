//! `prisma ARGS…`: what can destroy is guarded, everything else is Prisma's alone.

use super::guarded;
use super::target::working_folder;
use crate::cli::{DevArgs, Globals};
use crate::domain::prisma_command::destructive;
use crate::operations::interrupt::Interrupt;
use crate::prisma::straight;
use crate::ui::{Failure, Ui};

/// What has a command of its own (`prisma migrate dev`) has become that one by now.
pub async fn run(globals: &Globals, mut args: DevArgs, ui: &Ui, interrupt: &Interrupt) -> Result<(), Failure> {
    let words: Vec<_> = args.prisma_args.iter().map(|word| word.to_string_lossy()).collect();
    let Some(found) = destructive(&words) else {
        return Err(straight::replace_us(globals.project.as_deref(), &working_folder()?, &args.prisma_args)
            .await
            .into());
    };
    let [group, verb] = found.at;
    args.prisma_args.remove(verb);
    args.prisma_args.remove(group);
    guarded::prisma(globals, &found.command, args, ui, interrupt).await
}
