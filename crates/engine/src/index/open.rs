//! Opening an index: settings, migrations, and what to do with a damaged or foreign file.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use jottad_core::in_words;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{Index, Totals, clean_end};
use crate::disk::DiskErrorKind;

/// The migrations, oldest first. The position is kept in `user_version`; never edit or remove one.
const MIGRATIONS: [&str; 8] = [
    include_str!("../../../../migrations/0001_index.sql"),
    include_str!("../../../../migrations/0002_ignore_files.sql"),
    include_str!("../../../../migrations/0003_unsynced.sql"),
    include_str!("../../../../migrations/0004_content.sql"),
    include_str!("../../../../migrations/0005_names.sql"),
    include_str!("../../../../migrations/0006_rewritten.sql"),
    include_str!("../../../../migrations/0007_directories.sql"),
    include_str!("../../../../migrations/0008_parked_names.sql"),
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
    #[error("preparing {}: {}", path.display(), in_words(source))]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file may be read, and no more.
    #[error("{} may not be written", .0.display())]
    NotWritable(PathBuf),
    /// It is of no use and cannot be set aside.
    #[error("{cause}; setting it aside as {}: {}", path.display(), in_words(source))]
    Aside {
        /// What was wrong with it.
        cause: String,
        /// What it was to be called.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// `SQLite` failed.
    #[error("the index failed: {error}{remedy}", error = in_words(.0), remedy = remedy(.0))]
    Sqlite(#[from] rusqlite::Error),
    /// A row holds what this program never writes.
    #[error("the index is damaged: {0}")]
    Damaged(String),
}

/// What a person can do about it, as the end of a sentence.
fn remedy(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "; free some space on the disk with jottad's state directory",
        _ => "",
    }
}

impl IndexError {
    /// Whether the file itself is of no use to this program, so that it should be set aside and built anew.
    pub fn is_damage(&self) -> bool {
        self.aside().is_some()
    }

    /// Whether it may pass by itself. The index is as good as before, and must not be moved away for it.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::File { source, .. } | Self::Aside { source, .. } => {
                let source = source.raw_os_error().map(io::Error::from_raw_os_error);
                source.is_some_and(|source| DiskErrorKind::from(source).may_pass())
            }
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(
                    ErrorCode::DiskFull
                        | ErrorCode::DatabaseBusy
                        | ErrorCode::DatabaseLocked
                        | ErrorCode::OutOfMemory
                )
            ),
            Self::Newer { .. } | Self::NotWritable(_) | Self::Damaged(_) => false,
        }
    }

    /// Whether the disk with the index has no room.
    pub(crate) fn lacks_room(&self) -> bool {
        match self {
            Self::File { source, .. } | Self::Aside { source, .. } => {
                matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            Self::Sqlite(error) => error.sqlite_error_code() == Some(ErrorCode::DiskFull),
            Self::Newer { .. } | Self::NotWritable(_) | Self::Damaged(_) => false,
        }
    }

    /// The same error, or the lack of file descriptors behind it, which `SQLite` does not tell from others.
    fn or_lack_of_descriptors(self, directory: &Path) -> Self {
        let Self::Sqlite(error) = &self else { return self };
        if !matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure)) {
            return self;
        }
        let opened: io::Result<Vec<File>> = (0..DESCRIPTORS).map(|_| File::open(directory)).collect();
        match opened {
            Ok(_) => self,
            Err(source) => {
                let lack = Self::File { path: directory.to_owned(), source };
                if lack.may_pass() { lack } else { self }
            }
        }
    }

    /// What a file that failed so is called when it is set aside; `None` if that would not help.
    const fn aside(&self) -> Option<&'static str> {
        match self {
            Self::Damaged(_) => Some(DAMAGED),
            Self::Newer { .. } => Some(NEWER),
            // Where the directory can be written, a new file can be; where not, setting aside fails and says
            // so.
            Self::NotWritable(_) => Some(READ_ONLY),
            Self::File { .. } | Self::Aside { .. } => None,
            Self::Sqlite(error) => match error {
                rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
                    ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Some(DAMAGED),
                    ErrorCode::ReadOnly => Some(READ_ONLY),
                    _ => None,
                },
                // The tables are strict, so what has another type or range was not written by this program.
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::Utf8Error(..)
                // A table or column that is missing, with a version that says that it is there.
                | rusqlite::Error::SqlInputError { .. } => Some(DAMAGED),
                _ => None,
            },
        }
    }
}

/// The page cache grows by a KiB for so many rows, a quarter of what they take in the file, between these
/// bounds in KiB.
const ROWS_FOR_A_KIBIBYTE: i64 = 16;
const SMALLEST_PAGE_CACHE: i64 = 8 << 10;
const LARGEST_PAGE_CACHE: i64 = 64 << 10;

/// So many files `SQLite` has open for an index at most: itself, its log, its directory and one more.
const DESCRIPTORS: usize = 4;

/// What a file is called that was set aside, behind its own name and before a number.
const DAMAGED: &str = "damaged";
const NEWER: &str = "newer";
const READ_ONLY: &str = "read-only";

impl Index {
    /// Sets aside an index that turned out to be damaged while it was used, so that the next one begins
    /// empty.
    pub(crate) fn set_aside(path: &Path, error: &IndexError) -> Result<PathBuf, IndexError> {
        set_aside(path, error)
    }

    /// What is to be said of the files that were set aside beside an index, for as long as they lie there.
    pub(crate) fn describe_asides(path: &Path) -> Option<String> {
        describe_asides(path)
    }

    /// Opens the index, making it if it is missing.
    ///
    /// A file that is damaged, that a newer jottad wrote or that cannot be written is set aside beside the
    /// new one (second value) and both sides are compared afresh: with an empty base nothing is ever deleted.
    pub fn open(path: &Path) -> Result<(Self, Option<PathBuf>), IndexError> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)
                .map_err(|source| IndexError::File { path: directory.to_owned(), source })?;
        }
        match Self::open_checked(path, OpenFlags::SQLITE_OPEN_CREATE) {
            Err(error) if error.is_damage() => {
                let aside = set_aside(path, &error)?;
                Ok((Self::open_checked(path, OpenFlags::SQLITE_OPEN_CREATE)?, Some(aside)))
            }
            Err(error) => Err(error.or_lack_of_descriptors(path.parent().unwrap_or(Path::new(".")))),
            Ok(index) => Ok((index, None)),
        }
    }

    /// Opens an index that is there. One that is of no use is an error, and is left where it is.
    pub(crate) fn open_as_it_is(path: &Path) -> Result<Self, IndexError> {
        Self::open_checked(path, OpenFlags::empty())
    }

    fn open_checked(path: &Path, more: OpenFlags) -> Result<Self, IndexError> {
        // Before the file is opened, which makes its log.
        let is_as_left = clean_end::is_as_left(path);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
        let mut connection = Connection::open_with_flags(path, flags)?;
        // It is opened for reading where no more is allowed, and would fail with less clear words later.
        if connection.is_readonly(rusqlite::MAIN_DB)? {
            return Err(IndexError::NotWritable(path.to_owned()));
        }
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.set_prepared_statement_cache_capacity(64);
        // A plan never depends on the values that are bound. Else each new value makes every statement that a
        // partial index might answer be planned anew, which takes longer than all the rest.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        // FULL: a commit survives power loss. The cost is paid once for a batch of events. EXCLUSIVE: nobody
        // else needs it, and without shared memory nobody who cuts that file off can end this program.
        connection.execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE;
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA fullfsync = ON;
             PRAGMA temp_store = MEMORY;
             PRAGMA journal_size_limit = 67108864;
             PRAGMA cell_size_check = ON;
             PRAGMA trusted_schema = OFF;",
        )?;
        if !is_as_left {
            let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if verdict != "ok" {
                return Err(IndexError::Damaged(verdict));
            }
        }
        migrate(&mut connection, path)?;
        Self::take_up(connection)
    }

    /// Lets `SQLite` keep as many of the file's pages as pay for a tree of this size.
    pub(super) fn fit_page_cache(&self) -> Result<(), IndexError> {
        let kibibytes = (self.last_id / ROWS_FOR_A_KIBIBYTE).clamp(SMALLEST_PAGE_CACHE, LARGEST_PAGE_CACHE);
        Ok(self.connection.pragma_update(None, "cache_size", -kibibytes)?)
    }

    /// What is kept in memory of what the file holds.
    pub(super) fn take_up(connection: rusqlite::Connection) -> Result<Self, IndexError> {
        let last_id =
            connection.prepare_cached("SELECT max(id) FROM node")?.query_row([], |row| row.get(0))?;
        let mut index = Self {
            connection,
            totals: Totals::default(),
            in_transaction: false,
            has_problems: true,
            has_held: true,
            last_id,
            ignore_revision: 0,
            revision: 0,
            insides: std::cell::RefCell::default(),
            rows: super::row_cache::RowCache::default(),
            facts: std::cell::RefCell::default(),
            largest_page: u32::MAX,
        };
        index.fit_page_cache()?;
        index.totals = index.count_totals()?;
        index.has_problems = index.problem_count()? > 0;
        index.has_held = index.is_any_held()?;
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
    // What is missing would be noticed when it is wanted, in the middle of something.
    let parts = parts(&transaction)?;
    if let Some(missing) = whole()?.iter().find(|part| !parts.contains(part)) {
        return Err(IndexError::Damaged(format!("it has no {missing} as it should be")));
    }
    if found != known {
        transaction.pragma_update(None, "user_version", known)?;
    }
    transaction.commit()?;
    Ok(())
}

/// A table or index of the schema.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    kind: String,
    name: String,
    /// How it was made.
    statement: String,
}

impl std::fmt::Display for Part {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.kind, self.name)
    }
}

/// What a file consists of, but for what `SQLite` makes itself.
fn parts(connection: &Connection) -> Result<Vec<Part>, IndexError> {
    let mut statement =
        connection.prepare("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL")?;
    let rows = statement
        .query_map([], |row| Ok(Part { kind: row.get(0)?, name: row.get(1)?, statement: row.get(2)? }))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What every index consists of, found out once.
fn whole() -> Result<&'static [Part], IndexError> {
    static WHOLE: OnceLock<Vec<Part>> = OnceLock::new();
    if let Some(whole) = WHOLE.get() {
        return Ok(whole);
    }
    let empty = Connection::open_in_memory()?;
    MIGRATIONS.iter().try_for_each(|migration| empty.execute_batch(migration))?;
    let found = parts(&empty)?;
    Ok(WHOLE.get_or_init(|| found))
}

/// Renames an index that failed, and its companion, out of the way, never over an earlier one.
fn set_aside(path: &Path, error: &IndexError) -> Result<PathBuf, IndexError> {
    let word = error.aside().unwrap_or(DAMAGED);
    let aside = (1..1000)
        .map(|number| with_ending(path, &format!(".{word}-{number}")))
        .find(|candidate| !candidate.exists())
        .unwrap_or_else(|| with_ending(path, &format!(".{word}")));
    let rename = |from: &Path, to: &Path| match std::fs::rename(from, to) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(IndexError::Aside { cause: error.to_string(), path: to.to_owned(), source })
        }
        _ => Ok(()),
    };
    // The journal first: beside a new index it would be taken for that one's.
    for ending in ["-wal", "-shm"] {
        rename(&with_ending(path, ending), &with_ending(&aside, ending))?;
    }
    rename(path, &aside)?;
    tracing::error!(index = %path.display(), aside = %aside.display(), %error, "the index was set aside");
    Ok(aside)
}

fn describe_asides(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let directory = path.parent()?;
    // A directory that cannot be read has other ways to be noticed.
    let names =
        std::fs::read_dir(directory).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut asides: Vec<(String, &str)> = names
        .filter_map(|aside| {
            let (word, number) = aside.strip_prefix(name)?.strip_prefix('.')?.rsplit_once('-')?;
            number.parse::<u32>().ok()?;
            let reason = match word {
                DAMAGED => "was damaged",
                NEWER => "was written by a newer jottad",
                READ_ONLY => "could not be written",
                _ => return None,
            };
            Some((aside, reason))
        })
        .collect();
    asides.sort();
    let (newest, reason) = asides.pop()?;
    let file = directory.join(newest);
    Some(format!(
        "the index {reason} and was set aside as {}; both sides were compared afresh and nothing was deleted; this is said \
         until that file is removed",
        file.display()
    ))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests;
