//! The command line's shape. What the commands do is in [`crate::commands`].

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand};

use crate::commands::cat::CatArguments;
use crate::commands::completions::CompletionsArguments;
use crate::commands::conflicts::ConflictsArguments;
use crate::commands::copy::CopyArguments;
use crate::commands::demo::DemoArguments;
use crate::commands::devices::{DevicesArguments, MountpointsArguments};
use crate::commands::folder::FolderCommand;
use crate::commands::get::GetArguments;
use crate::commands::hold::{ApproveArguments, HeldArguments, NameArguments};
use crate::commands::link::LinkArguments;
use crate::commands::list::ListArguments;
use crate::commands::log::LogArguments;
use crate::commands::login::LoginArguments;
use crate::commands::make_directory::MakeDirectoryArguments;
use crate::commands::move_entry::MoveArguments;
use crate::commands::pause::{PauseArguments, ResumeArguments};
use crate::commands::plan::PlanArguments;
use crate::commands::put::PutArguments;
use crate::commands::remove::RemoveArguments;
use crate::commands::restore::RestoreArguments;
use crate::commands::run::RunArguments;
use crate::commands::selftest::SelftestArguments;
use crate::commands::service::ServiceCommand;
use crate::commands::status::StatusArguments;
use crate::commands::sync::SyncArguments;
use crate::commands::touch::TouchArguments;
use crate::commands::trash::TrashCommand;
use crate::commands::verify::VerifyArguments;
use crate::commands::versions::VersionsArguments;
use crate::commands::why::WhyArguments;
use crate::config::units::parse_duration;

/// Keeps folders in step with Jottacloud.
///
/// Begin with `jottad demo`, which needs no account and touches nothing of yours. With an account: `jottad
/// setup` asks for everything; the same in single steps is `jottad login`, `jottad folder add ~/Documents`,
/// `jottad service install`, and then `jottad status`.
#[derive(Debug, Parser)]
#[command(name = "jottad", version, max_term_width = 110)]
#[command(after_long_help = "\
Exit codes: 0 done / in sync, 1 failed, 2 usage, 3 daemon not running, 4 login needed, 5 working, not yet in \
sync, 6 problems remain, 7 held, 8 offline, 9 stalled, 10 paused, 130 interrupted. `status`, `sync --wait`, `verify` and `run --once` exit \
with the verdict.")]
pub(crate) struct Arguments {
    /// What applies to every command.
    #[command(flatten)]
    pub(crate) general: GeneralArguments,
    /// What to do; without it, how to begin, or the status.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What applies to every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "For every command")]
pub(crate) struct GeneralArguments {
    /// The config file, instead of the usual place
    #[arg(long, global = true, value_name = "FILE", env = "JOTTAD_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    /// Where jottad keeps everything, instead of the usual place
    #[arg(long, global = true, value_name = "DIR", env = "JOTTAD_STATE_DIR", hide_env_values = true)]
    pub(crate) state_dir: Option<PathBuf>,
    /// Print JSON for scripts: one document, or one a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Log more to stderr: -v what happens, -vv why, -vvv everything; `JOTTAD_LOG` takes a filter
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// The commands, in the order in which one meets them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Try jottad without an account: a Jottacloud on this machine, a daemon, and a folder to play with
    Demo(DemoArguments),
    /// Ask for login, folders and service in one go, and end with the status
    Setup,
    /// Log in: with a personal login token from Jottacloud's web site, or with a browser (--brand)
    Login(LoginArguments),
    /// Forget the login; nothing is deleted on either side
    Logout,
    /// Show who is logged in, the quota and the devices
    Account,
    /// Choose what is kept in step
    #[command(subcommand)]
    Folder(FolderCommand),
    /// Run the daemon in the foreground, or one pass with --once
    Run(RunArguments),
    /// Run the daemon as a service of this user
    #[command(subcommand)]
    Service(ServiceCommand),
    /// Show whether everything is in sync, and since when that is known
    Status(StatusArguments),
    /// Show what would be done now; changes nothing
    Plan(PlanArguments),
    /// Look at both sides now, instead of waiting for a hint
    Sync(SyncArguments),
    /// Read every file again and compare it with what Jottacloud has
    Verify(VerifyArguments),
    /// Stop syncing, for a time or until `resume`
    Pause(PauseArguments),
    /// Go on after `pause`
    Resume(ResumeArguments),
    /// Show what waits for a person
    Held(HeldArguments),
    /// Let what is held happen; of a root: it is right as it is, and what would be deleted for that is shown
    /// first
    Approve(ApproveArguments),
    /// Bring what is held back from the other side; of a root: everything
    Reject(NameArguments),
    /// Show what cannot be synced, why, and what mends it
    Problems,
    /// Show the files of which two versions were kept, until one of the two is gone
    Conflicts(ConflictsArguments),
    /// Explain the state of one file or directory
    Why(WhyArguments),
    /// Show the history of operations
    Log(LogArguments),
    /// List a place on the service
    Ls(ListArguments),
    /// Print a file of the service
    Cat(CatArguments),
    /// Fetch a file or folder from the service
    Get(GetArguments),
    /// Send a file or directory to the service
    Put(PutArguments),
    /// Make a folder on the service
    Mkdir(MakeDirectoryArguments),
    /// Move or rename on the service; nothing is overwritten
    Mv(MoveArguments),
    /// Copy on the service
    Cp(CopyArguments),
    /// Put a file or folder of the service into its trash
    Rm(RemoveArguments),
    /// Set the time of a file on the service
    Touch(TouchArguments),
    /// Make a public link, or show the one there is
    Link(LinkArguments),
    /// End a public link
    Unlink(LinkArguments),
    /// Show what a file held before
    Versions(VersionsArguments),
    /// Bring back a revision, or what is in the trash
    Restore(RestoreArguments),
    /// Show, restore or empty the trash of the account
    #[command(subcommand)]
    Trash(TrashCommand),
    /// Show the devices of the account, or make one
    Devices(DevicesArguments),
    /// Show the mountpoints of a device, or make one
    Mountpoints(MountpointsArguments),
    /// Check login, clock, network, watches, permissions and disk
    Doctor,
    /// Find out how the service answers what is not known of it, in a folder of the test's own
    Selftest(SelftestArguments),
    /// Print completions for a shell
    Completions(CompletionsArguments),
    /// Print the manual page
    Man,
}

impl Command {
    /// Whether it works with what jottad keeps, so that it fails where this user may not.
    pub(crate) const fn uses_the_state(&self) -> bool {
        // The doctor tells that among other things.
        !matches!(self, Self::Demo(_) | Self::Service(_) | Self::Doctor | Self::Completions(_) | Self::Man)
    }

    /// Whether it goes on until it is told to stop, and so is followed by what it logs.
    pub(crate) const fn goes_on(&self) -> bool {
        matches!(self, Self::Run(arguments) if !arguments.is_one_pass())
    }
}

/// Reads a duration from the command line.
pub(crate) fn duration_argument(text: &str) -> Result<Duration, String> {
    parse_duration(text)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_and_argument_says_what_it_is() {
        fn check(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            assert!(command.get_about().is_some(), "{path}");
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{path}: {}", argument.get_id());
            }
            for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
                check(below, &path);
            }
        }
        let mut command = Arguments::command();
        command.build();
        check(&command, "");
    }

    #[test]
    fn every_option_that_takes_a_time_takes_it_as_people_say_it() {
        for line in [
            &["jottad", "log", "--since"][..],
            &["jottad", "log", "--until"],
            &["jottad", "restore", "Jotta/Archive/a", "--at"],
            &["jottad", "touch", "Jotta/Archive/a", "--time"],
        ] {
            for time in ["yesterday", "2h ago", "last week", "2026-01-31", "monday 14:00"] {
                let parsed = Arguments::try_parse_from(line.iter().chain([&time]));
                assert!(parsed.is_ok(), "{line:?} {time}: {parsed:?}");
            }
            let refused = Arguments::try_parse_from(line.iter().chain([&"soon"])).unwrap_err().to_string();
            assert!(refused.contains("\"soon\" is not a time: write for example"), "{refused}");
        }
        // All of them are above.
        let mut command = Arguments::command();
        command.build();
        assert_eq!(times(&command), 4);
    }

    fn times(command: &clap::Command) -> usize {
        let is_time = |argument: &&clap::Arg| {
            argument.get_value_names().is_some_and(|names| names.iter().any(|name| name == "TIME"))
        };
        let own = command.get_arguments().filter(is_time).count();
        own + command.get_subcommands().map(times).sum::<usize>()
    }

    #[test]
    fn general_arguments_may_stand_anywhere() {
        for line in [["jottad", "--json", "status"], ["jottad", "status", "--json"]] {
            assert!(Arguments::try_parse_from(line).unwrap().general.json);
        }
    }
}
