//! `jottad run`: the daemon in the foreground, or one pass.

use clap::Args;

use crate::api::verdict::OUTRUN;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::commands::plan;
use crate::commands::status::show;
use crate::daemon::{self, Daemon, Purpose};

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// One complete pass over all folders, until proven or stuck; exits with the verdict
    #[arg(long)]
    once: bool,
    /// Only show what the pass would do; nothing is changed on either side
    #[arg(long, requires = "once")]
    dry_run: bool,
}

impl RunArguments {
    /// Whether it ends by itself, with an answer.
    pub(crate) const fn is_one_pass(&self) -> bool {
        self.once
    }
}

/// Runs until told to stop, or for one pass.
pub(crate) fn run(arguments: &RunArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    // One folder that is wrong keeps none of the others from running. A daemon waits for it to be mended.
    let config = if arguments.once { invocation.usable_config()? } else { invocation.tolerant_config()? };
    if arguments.once && config.is_empty() {
        let message = format!("no folder is configured in {}", invocation.places.config_file.display());
        return Err(Failure::usage(message).hint("add one with: jottad folder add LOCAL"));
    }
    if arguments.dry_run {
        return plan::show(None, u32::MAX, invocation);
    }
    let signals = invocation.signals()?;
    invocation.serve(async {
        if !arguments.once {
            let daemon = Daemon::start(&invocation.places, config, Purpose::Serve).await?;
            daemon::serve(daemon, signals).await?;
            return Ok(Exit::Done);
        }
        let daemon = Daemon::start(&invocation.places, config, Purpose::OnePass).await?;
        let (status, is_only_outrun) = daemon::one_pass(daemon, signals, invocation.output).await?;
        invocation.output.either(&status, || {
            show(&status, invocation)?;
            if is_only_outrun { invocation.output.line(OUTRUN) } else { Ok(()) }
        })?;
        Ok(if is_only_outrun { Exit::Done } else { status.verdict.0.into() })
    })
}
