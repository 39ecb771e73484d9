//! Opening an index: settings, migrations, and what to do with a damaged or foreign file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{Index, Totals};

/// The migrations, oldest first. The position is kept in `user_version`; never edit or remove one.
const MIGRATIONS: [&str; 2] = [
    include_str!("../../../../migrations/0001_index.sql"),
    include_str!("../../../../migrations/0002_ignore_files.sql"),
];

/// The index failed.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// A newer jottad wrote it.
    #[error("{} was written by a newer jottad (index version {found}, this one knows {known})", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// The directory or file cannot be made or set aside.
    #[error("preparing {}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// `SQLite` failed.
    #[error("the index failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A row holds what this program never writes.
    #[error("the index is damaged: {0}")]
    Damaged(String),
}

impl IndexError {
    /// Whether the file itself is broken, so that it should be set aside and built anew.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged(_) => true,
            Self::Sqlite(error) => {
                matches!(
                    error.sqlite_error_code(),
                    Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
                )
            }
            Self::Newer { .. } | Self::File { .. } => false,
        }
    }
}

impl Index {
    /// Sets aside an index that turned out to be damaged while it was used, so that the next one begins empty.
    pub(crate) fn set_aside(path: &Path) -> Result<PathBuf, IndexError> {
        set_aside(path)
    }

    /// Opens the index, making it if it is missing.
    ///
    /// A damaged file is set aside beside the new one (second value) and both sides are compared afresh: with an
    /// empty base nothing is ever deleted.
    pub fn open(path: &Path) -> Result<(Self, Option<PathBuf>), IndexError> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)
                .map_err(|source| IndexError::File { path: directory.to_owned(), source })?;
        }
        match Self::open_checked(path) {
            Err(error) if error.is_damage() => {
                let aside = set_aside(path)?;
                tracing::error!(index = %path.display(), aside = %aside.display(), %error, "the index is damaged and was set aside");
                Ok((Self::open_checked(path)?, Some(aside)))
            }
            opened => Ok((opened?, None)),
        }
    }

    fn open_checked(path: &Path) -> Result<Self, IndexError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.set_prepared_statement_cache_capacity(64);
        // FULL: a commit survives power loss. The cost is paid once for a batch of events.
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA fullfsync = ON;
             PRAGMA temp_store = MEMORY;
             PRAGMA cache_size = -8192;
             PRAGMA journal_size_limit = 67108864;
             PRAGMA cell_size_check = ON;
             PRAGMA trusted_schema = OFF;",
        )?;
        let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if verdict != "ok" {
            return Err(IndexError::Damaged(verdict));
        }
        migrate(&mut connection, path)?;
        let mut index =
            Self { connection, totals: Totals::default(), in_transaction: false, ignore_revision: 0 };
        index.totals = index.count_totals()?;
        Ok(index)
    }
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), IndexError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > known {
        return Err(IndexError::Newer { path: path.to_owned(), found, known });
    }
    let done = usize::try_from(found).map_err(|_| IndexError::Damaged(format!("its version is {found}")))?;
    for migration in &MIGRATIONS[done..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.commit()?;
    Ok(())
}

/// Renames a damaged index and its companions out of the way, never over an earlier one.
fn set_aside(path: &Path) -> Result<PathBuf, IndexError> {
    let with_ending = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let aside = (1..1000)
        .map(|number| with_ending(&format!(".damaged-{number}")))
        .find(|candidate| !candidate.exists())
        .unwrap_or_else(|| with_ending(".damaged"));
    let rename = |from: &Path, to: &Path| match std::fs::rename(from, to) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(IndexError::File { path: from.to_owned(), source })
        }
        _ => Ok(()),
    };
    rename(path, &aside)?;
    for ending in ["-wal", "-shm"] {
        let mut companion = aside.as_os_str().to_owned();
        companion.push(ending);
        rename(&with_ending(ending), Path::new(&companion))?;
    }
    Ok(aside)
}
