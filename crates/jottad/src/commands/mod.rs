//! The commands, one file each, in the order of `jottad --help`.

pub(crate) mod begin;
pub(crate) mod demo;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod setup;

pub(crate) mod account;
pub(crate) mod folder;

pub(crate) mod run;
pub(crate) mod service;

pub(crate) mod conflicts;
pub(crate) mod hold;
pub(crate) mod log;
pub(crate) mod pause;
pub(crate) mod plan;
pub(crate) mod problems;
pub(crate) mod status;
pub(crate) mod sync;
pub(crate) mod why;

pub(crate) mod cat;
pub(crate) mod copy;
pub(crate) mod devices;
pub(crate) mod get;
pub(crate) mod link;
pub(crate) mod list;
pub(crate) mod make_directory;
pub(crate) mod move_entry;
pub(crate) mod put;
pub(crate) mod remove;
pub(crate) mod restore;
pub(crate) mod touch;
pub(crate) mod trash;
pub(crate) mod verify;
pub(crate) mod versions;

pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod man;
pub(crate) mod selftest;

mod survey;

use crate::cli::arguments::Command;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;

/// Does what was asked.
pub(crate) fn run(command: Command, invocation: &Invocation) -> Result<Exit, Failure> {
    match command {
        Command::Demo(arguments) => demo::run(&arguments, invocation),
        Command::Setup => setup::run(invocation),
        Command::Login(arguments) => login::run(&arguments, invocation),
        Command::Logout => logout::run(invocation),
        Command::Account => account::run(invocation),
        Command::Folder(command) => folder::run(command, invocation),
        Command::Run(arguments) => run::run(&arguments, invocation),
        Command::Service(command) => service::run(&command, invocation),
        Command::Status(arguments) => status::run(&arguments, invocation),
        Command::Plan(arguments) => plan::run(&arguments, invocation),
        Command::Sync(arguments) => sync::run(&arguments, invocation),
        Command::Verify(arguments) => verify::run(&arguments, invocation),
        Command::Pause(arguments) => pause::run_pause(&arguments, invocation),
        Command::Resume(arguments) => pause::run_resume(&arguments, invocation),
        Command::Held(arguments) => hold::run_held(&arguments, invocation),
        Command::Approve(arguments) => hold::run_approve(&arguments, invocation),
        Command::Reject(arguments) => hold::run_reject(&arguments, invocation),
        Command::Problems => problems::run(invocation),
        Command::Conflicts(arguments) => conflicts::run(&arguments, invocation),
        Command::Why(arguments) => why::run(&arguments, invocation),
        Command::Log(arguments) => log::run(&arguments, invocation),
        Command::Ls(arguments) => list::run(&arguments, invocation),
        Command::Cat(arguments) => cat::run(&arguments, invocation),
        Command::Get(arguments) => get::run(&arguments, invocation),
        Command::Put(arguments) => put::run(&arguments, invocation),
        Command::Mkdir(arguments) => make_directory::run(&arguments, invocation),
        Command::Mv(arguments) => move_entry::run(&arguments, invocation),
        Command::Cp(arguments) => copy::run(&arguments, invocation),
        Command::Rm(arguments) => remove::run(&arguments, invocation),
        Command::Touch(arguments) => touch::run(&arguments, invocation),
        Command::Link(arguments) => link::run_link(&arguments, invocation),
        Command::Unlink(arguments) => link::run_unlink(&arguments, invocation),
        Command::Versions(arguments) => versions::run(&arguments, invocation),
        Command::Restore(arguments) => restore::run(&arguments, invocation),
        Command::Trash(command) => trash::run(&command, invocation),
        Command::Devices(arguments) => devices::run_devices(&arguments, invocation),
        Command::Mountpoints(arguments) => devices::run_mountpoints(&arguments, invocation),
        Command::Doctor => doctor::run(invocation),
        Command::Selftest(arguments) => selftest::run(&arguments, invocation),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man => man::run(),
    }
}
