//! Why a request is not fulfilled.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jottad_engine::FolderRequestError;

use crate::api::documents::{ErrorBody, ErrorDocument, SCHEMA};
use crate::cli::failure::{Exit, Failure};

/// Why a request is not fulfilled.
pub(in crate::daemon) struct Refusal(pub(super) StatusCode, pub(super) Failure);

impl Refusal {
    pub(in crate::daemon) fn forbidden(failure: Failure) -> Self {
        Self(StatusCode::FORBIDDEN, failure)
    }

    pub(super) fn not_found(failure: Failure) -> Self {
        Self(StatusCode::NOT_FOUND, failure)
    }

    pub(super) fn conflict(failure: Failure) -> Self {
        Self(StatusCode::CONFLICT, failure)
    }

    pub(super) fn bad_request(failure: Failure) -> Self {
        Self(StatusCode::BAD_REQUEST, failure)
    }
}

impl From<FolderRequestError> for Refusal {
    fn from(error: FolderRequestError) -> Self {
        // It is about to end or to be started anew: whoever asks again learns more.
        let failure = match &error {
            FolderRequestError::Stopped(_) => Failure::new(Exit::NotRunning, error.to_string())
                .hint("it is ending or being started anew: ask again"),
            FolderRequestError::Folder(cause) => Failure::failed(error.to_string())
                .hint("`jottad status` shows how the folder is")
                .no_room_if(cause.lacks_room()),
        };
        Self(StatusCode::SERVICE_UNAVAILABLE, failure)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, failure) = (self.0, self.1);
        (status, Json(ErrorDocument::from(failure))).into_response()
    }
}

impl From<Failure> for ErrorDocument {
    fn from(failure: Failure) -> Self {
        let kind = failure.exit().as_str().to_owned();
        let (message, path, hint) = failure.into_parts();
        Self { schema: SCHEMA, error: ErrorBody { kind, message, path, hint } }
    }
}
