//! Finding out what is not known of the service (protocol 10), in a folder of the test's own.
//!
//! [`questions`] is the table of what is asked; one file each for a subject says how. All of them go through
//! [`Scratch`], which sends nothing that would change anything outside of its folder. Nothing is destroyed
//! that the test did not make, and even that only where it was allowed.

mod finding;
mod questions;
mod scratch;

mod account;
mod listings;
mod moving;
mod names;
mod session;
mod trash;
mod uploads;

use jottad_transport::LoginToken;

pub(crate) use finding::Finding;
pub(crate) use questions::{QUESTIONS, Question, Subject};
pub(crate) use scratch::Scratch;

use crate::cli::failure::{Exit, Failure};

/// What the person who asks allows.
#[derive(Debug)]
pub(crate) struct Asking {
    /// Something that the test made may be destroyed for good.
    pub(crate) destroy: bool,
    /// A login token that may be spent.
    pub(crate) token: Option<LoginToken>,
}

/// The number of the question that must be asked first: all others depend on how soon a write is seen.
pub(crate) const FIRST: u8 = 38;

/// Asks one question.
///
/// A failure means that no further question can be asked either; whatever else goes wrong is told as
/// [`Finding::NotTold`].
pub(crate) async fn ask(question: &Question, scratch: &Scratch, asking: &Asking) -> Result<Finding, Failure> {
    let number = question.number;
    let asked = match question.subject {
        Subject::Listings => listings::ask(number, scratch).await,
        Subject::Names => names::ask(number, scratch).await,
        Subject::Moving => moving::ask(number, scratch).await,
        Subject::Trash => trash::ask(number, scratch).await,
        Subject::Uploads => uploads::ask(number, scratch, asking).await,
        Subject::Account => account::ask(number, scratch).await,
        Subject::Session => session::ask(number, scratch, asking).await,
        Subject::Nowhere(reason) => Ok(Finding::not_told(reason)),
    };
    match asked {
        Err(failure) if matches!(failure.exit(), Exit::Offline | Exit::LoginNeeded) => Err(failure),
        Err(failure) => Ok(Finding::not_told(format!("asking failed: {}", failure.message()))),
        Ok(finding) => Ok(finding),
    }
}
