//! The command line as all commands share it: what is typed, asked, printed and told.

pub(crate) mod arguments;
pub(crate) mod asking;
pub(crate) mod completion;
pub(crate) mod failure;
pub(crate) mod invocation;
pub(crate) mod moment;
pub(crate) mod output;
#[cfg(test)]
mod reference;
pub(crate) mod terminal;
pub(crate) mod typed;
