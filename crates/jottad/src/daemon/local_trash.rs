//! Keeps the local trash of a folder within its bounds.

use jottad_engine::LocalDisk;

use crate::cli::output::now;
use crate::config::units::format_size;
use crate::daemon::folder::Setup;

/// Lets go what is too old or too much. A trash may be there in every mode: the folder may have had another,
/// and what was fetched again replaces something.
pub(super) async fn expire(setup: Setup, disk: LocalDisk) {
    let (days, limit) = (setup.guard.local_trash_days, setup.guard.local_trash_limit);
    let folder = setup.folder.name;
    match disk.expire_trash(days, limit, now()).await {
        Ok(report) if report.is_over_limit() => {
            let size = format_size(report.bytes);
            tracing::warn!(
                folder,
                size,
                "the local trash is larger than local_trash_limit, and all in it is of the last day: look at it with \
                 `jottad trash ls --local`, empty it with `jottad trash empty --local`"
            );
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(folder, %error, "the local trash stays as it is"),
    }
}
