//! An error answer of the service: status, exception name, text (protocol 7).

/// Why a request was refused, before it is written as XML, JSON or HTML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status} {exception}: {message}")]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The name of the exception, without its package.
    pub exception: &'static str,
    /// The text after the name.
    pub message: String,
    /// Which kind of body carries it.
    pub(crate) form: Form,
}

/// The kind of body of an error answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As the host does: XML on jfs and up, JSON on api and upload nodes.
    Native,
    /// As a front proxy does.
    Html,
    /// Nothing at all.
    Empty,
}

impl Refusal {
    pub(crate) fn new(status: u16, exception: &'static str, message: impl Into<String>) -> Self {
        Self { status, exception, message: message.into(), form: Form::Native }
    }

    pub(crate) fn in_form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    pub(crate) fn no_file(path: &str) -> Self {
        Self::new(404, "NoSuchFileException", format!("File {path}"))
    }

    pub(crate) fn no_source_file(path: &str) -> Self {
        Self::new(404, "NoSuchFileException", format!("Source file {path} does not exist"))
    }

    pub(crate) fn no_path(path: &str) -> Self {
        Self::new(404, "NoSuchPathException", format!("Directory {path}"))
    }

    pub(crate) fn no_mountpoint(path: &str) -> Self {
        Self::new(404, "NoSuchMountPointException", format!("Mount point {path}"))
    }

    pub(crate) fn taken(path: &str) -> Self {
        Self::new(409, "UniqueFileException", format!("{path} exists already"))
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidArgumentException", message)
    }

    pub(crate) fn not_allowed(message: impl Into<String>) -> Self {
        Self::new(403, "AccessDeniedException", message)
    }

    /// The standard phrase of the status.
    pub(crate) fn reason(&self) -> &'static str {
        match self.status {
            420 => "Incomplete Upload",
            421 => "Corrupt Upload",
            460 => "Quota Exceeded",
            status => http::StatusCode::from_u16(status)
                .ok()
                .and_then(|status| status.canonical_reason())
                .unwrap_or("Error"),
        }
    }
}
