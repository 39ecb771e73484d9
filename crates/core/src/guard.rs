//! Safety stops: small predicates that say when a person must decide.

/// The limits of a folder's delete hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeleteLimits {
    /// Most entries that one pass may delete.
    pub max_deletes: u64,
    /// Most of a folder's files, in percent, that one pass may delete.
    pub max_delete_percent: u64,
}

impl Default for DeleteLimits {
    fn default() -> Self {
        Self { max_deletes: 1000, max_delete_percent: 50 }
    }
}

/// Fewer deleted files than this are never held for their share of the folder alone.
const FEWEST_FILES_FOR_PERCENT: u64 = 20;
/// Fewer overwritten files than this are never held.
const FEWEST_FILES_FOR_OVERWRITE: u64 = 100;

/// Whether a pass that would delete this much must wait for a person.
///
/// `deleted_entries` counts files and directories, `deleted_files` the files among them, and `files` the
/// files that the base has.
pub fn holds_deletes(limits: DeleteLimits, deleted_entries: u64, deleted_files: u64, files: u64) -> bool {
    deleted_entries > limits.max_deletes
        || (deleted_files >= FEWEST_FILES_FOR_PERCENT
            && deleted_files.saturating_mul(100) > files.saturating_mul(limits.max_delete_percent))
}

/// What a folder loses of the files that were agreed on at the start of a window of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Loss {
    /// Files that were agreed on when the window began.
    pub agreed: u64,
    /// Those of them that were deleted since or would be now.
    pub deleted: u64,
    /// Those of the deleted that gave way to a new file of about the same size beside them.
    pub replaced: u64,
}

impl Loss {
    /// Both together, out of what this one counts against.
    #[must_use]
    pub const fn with(self, more: Self) -> Self {
        Self {
            agreed: self.agreed,
            deleted: self.deleted.saturating_add(more.deleted),
            replaced: self.replaced.saturating_add(more.replaced),
        }
    }
}

/// Whether deletes must wait for a person for what was lost since a window of time began.
///
/// It counts against what was agreed on then, so that files which were added meanwhile make no deletion look
/// small. A file that gave way to another one of its size counts twice: that is what encrypting under another
/// name looks like. A limit of 100 % allows every share: a folder may lose more in a day than it began with,
/// because files come, too.
pub fn holds_loss(limits: DeleteLimits, loss: Loss) -> bool {
    let weight = loss.deleted.saturating_add(loss.replaced.min(loss.deleted));
    loss.deleted >= FEWEST_FILES_FOR_PERCENT
        && limits.max_delete_percent < 100
        && weight.saturating_mul(100) > loss.agreed.saturating_mul(limits.max_delete_percent)
}

/// Whether a new file may be what another one was made into under another name: its size is about the same.
pub fn is_about_the_size(old: u64, new: u64) -> bool {
    // Encryption adds a header and a key; an eighth is what packing anew makes of most.
    new.abs_diff(old) <= (old / 8).max(4096)
}

/// Whether a pass of `backup` that would overwrite this many of the base's files must wait for a person:
/// more than half of at least 100. The service keeps only five revisions, so a disk full of encrypted or
/// garbled files must not wash the good ones out.
///
/// What a person approved is neither overwritten unasked nor part of what is left. Of little that is left a
/// few files are no such thing.
pub fn holds_overwrites(overwritten_files: u64, files: u64, approved_files: u64) -> bool {
    files >= FEWEST_FILES_FOR_OVERWRITE
        && overwritten_files >= FEWEST_FILES_FOR_PERCENT
        && overwritten_files.saturating_mul(2) > files.saturating_sub(approved_files)
}

/// Kinds of files that are made once and then left as they are, by the endings of their names: photos, films,
/// music, books, archives.
const WRITTEN_ONCE: [&str; 41] = [
    "3gp", "7z", "aac", "arw", "avi", "bz2", "cr2", "cr3", "dng", "epub", "flac", "gif", "gz", "heic",
    "heif", "iso", "jpeg", "jpg", "m4a", "m4v", "mkv", "mov", "mp3", "mp4", "mpeg", "mpg", "nef", "ogg",
    "opus", "orf", "pdf", "png", "rar", "raw", "rw2", "tgz", "tif", "tiff", "webm", "webp", "zip",
];
/// Fewer files than this that should not change are never held.
const FEWEST_FILES_FOR_REWRITE: u64 = 20;

/// Whether a file of this name is of a kind that is made once and then left as it is.
pub fn is_written_once(name: &[u8]) -> bool {
    let ending = name.rsplit(|byte| *byte == b'.').next().filter(|ending| ending.len() + 1 < name.len());
    ending.is_some_and(|ending| {
        let ending = ending.to_ascii_lowercase();
        WRITTEN_ONCE.iter().any(|kind| kind.as_bytes() == ending)
    })
}

/// Whether it must wait for a person that so many of a folder's files that should not change were rewritten
/// within a month: more than a tenth of them, and at least 20. So a few garbled files a day are noticed in
/// the end.
pub fn holds_rewrites(rewritten: u64, of: u64) -> bool {
    rewritten >= FEWEST_FILES_FOR_REWRITE && rewritten.saturating_mul(10) > of
}

/// Whether a root that lists as empty must be taken for a lost disk instead of for deletions.
///
/// One vanished entry can be a person's doing; a root that held more and is now bare is an unmounted disk
/// until a person says otherwise.
pub fn root_suddenly_empty(entries_in_base: u64, entries_now: u64) -> bool {
    entries_now == 0 && entries_in_base >= 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn who_allows_every_share_is_not_asked_about_the_losses_of_a_day() {
        let all = DeleteLimits { max_delete_percent: 100, ..DeleteLimits::default() };
        let loss = Loss { agreed: 25, deleted: 60, replaced: 30 };
        assert!(holds_loss(DeleteLimits::default(), loss) && !holds_loss(all, loss));
    }

    #[test]
    fn deletes_are_held_by_number_or_by_share() {
        let limits = DeleteLimits::default();
        let cases = [
            (1000, 1000, 1_000_000, false),
            (1001, 0, 1_000_000, true),
            (19, 19, 19, false),
            (20, 20, 40, false),
            (21, 21, 40, true),
            (20, 20, 20, true),
            (0, 0, 0, false),
        ];
        for (entries, files, of, held) in cases {
            assert_eq!(
                holds_deletes(limits, entries, files, of),
                held,
                "{entries} entries, {files} of {of} files"
            );
        }
        let none = DeleteLimits { max_deletes: 0, max_delete_percent: 100 };
        assert!(holds_deletes(none, 1, 1, 100));
        assert!(!holds_deletes(none, 0, 0, 100));
    }

    #[test]
    fn losses_are_held_against_what_was_agreed_on_before() {
        let limits = DeleteLimits::default();
        let cases = [
            // Agreed, deleted, replaced, held.
            (150, 150, 0, true),
            (300, 150, 0, false),
            (300, 151, 0, true),
            (300, 76, 76, true),
            (300, 75, 75, false),
            (10, 10, 10, false),
            (19, 19, 19, false),
            (20, 20, 0, true),
            (0, 20, 0, true),
            (1000, 400, 0, false),
        ];
        for (agreed, deleted, replaced, held) in cases {
            let loss = Loss { agreed, deleted, replaced };
            assert_eq!(holds_loss(limits, loss), held, "{loss:?}");
        }
    }

    #[test]
    fn an_encrypted_file_is_about_as_large_as_the_plain_one() {
        for (old, new, is_about) in [
            (0, 16, true),
            (100, 4196, true),
            (100, 4197, false),
            (1 << 20, (1 << 20) + 512, true),
            (8 << 20, 9 << 20, true),
            (8 << 20, 10 << 20, false),
            (8 << 20, 6 << 20, false),
        ] {
            assert_eq!(is_about_the_size(old, new), is_about, "{old} and {new} bytes");
        }
    }

    #[test]
    fn overwrites_are_held_beyond_half_of_a_hundred() {
        for (overwritten, of, held) in [(99, 99, false), (50, 100, false), (51, 100, true)] {
            assert_eq!(holds_overwrites(overwritten, of, 0), held, "{overwritten} of {of}");
        }
    }

    #[test]
    fn photos_and_archives_are_written_once_and_texts_are_not() {
        for (name, is_once) in [
            ("a.jpg", true),
            ("a.b.JPG", true),
            ("IMG_1.Heic", true),
            ("backup.tar.gz", true),
            ("a.txt", false),
            ("a.docx", false),
            ("jpg", false),
            (".jpg", false),
            ("a.", false),
            ("", false),
            ("a.jpg.locked", false),
        ] {
            assert_eq!(is_written_once(name.as_bytes()), is_once, "{name:?}");
        }
        assert!(WRITTEN_ONCE.is_sorted());
    }

    #[test]
    fn rewrites_are_held_beyond_a_tenth_and_from_twenty_on() {
        for (rewritten, of, held) in [
            (19, 19, false),
            (20, 199, true),
            (20, 200, false),
            (21, 200, true),
            (100, 1000, false),
            (0, 0, false),
        ] {
            assert_eq!(holds_rewrites(rewritten, of), held, "{rewritten} of {of}");
        }
    }

    #[test]
    fn an_empty_root_is_a_lost_disk_unless_it_held_one_entry() {
        assert!(root_suddenly_empty(2, 0));
        assert!(!root_suddenly_empty(1, 0));
        assert!(!root_suddenly_empty(9, 1));
    }

    proptest! {
        #[test]
        fn more_deletes_are_never_safer(
            max_deletes in 0_u64..2000, max_delete_percent in 0_u64..=100,
            entries in 0_u64..3000, directories in 0_u64..1000, files in any::<u64>(), more in 0_u64..1000,
        ) {
            let limits = DeleteLimits { max_deletes, max_delete_percent };
            let deleted_files = entries.saturating_sub(directories);
            if holds_deletes(limits, entries, deleted_files, files) {
                prop_assert!(holds_deletes(limits, entries + more, deleted_files + more, files));
                prop_assert!(holds_deletes(limits, entries, deleted_files, files.saturating_sub(more)));
                let stricter = DeleteLimits {
                    max_deletes: max_deletes.saturating_sub(more),
                    max_delete_percent: max_delete_percent.saturating_sub(more),
                };
                prop_assert!(holds_deletes(stricter, entries, deleted_files, files));
            }
            prop_assert!(!holds_deletes(limits, 0, 0, files));
        }

        #[test]
        fn a_greater_loss_is_never_safer(
            percent in 0_u64..=100, agreed in 0_u64..5000, deleted in 0_u64..5000, replaced in 0_u64..5000,
            more in 0_u64..1000,
        ) {
            let limits = DeleteLimits { max_delete_percent: percent, ..DeleteLimits::default() };
            let loss = Loss { agreed, deleted, replaced };
            let greater = [
                Loss { deleted: deleted + more, ..loss },
                Loss { replaced: replaced + more, ..loss },
                Loss { agreed: agreed.saturating_sub(more), ..loss },
            ];
            if holds_loss(limits, loss) {
                for greater in greater {
                    prop_assert!(holds_loss(limits, greater));
                }
            }
            let nothing = Loss { agreed, ..Loss::default() };
            prop_assert!(!holds_loss(limits, nothing));
        }

        #[test]
        fn more_overwrites_are_never_safer(
            overwritten in any::<u64>(), files in any::<u64>(), approved in any::<u64>(),
        ) {
            if holds_overwrites(overwritten, files, approved) {
                prop_assert!(holds_overwrites(overwritten.saturating_add(1), files, approved));
            }
            prop_assert!(!holds_overwrites(0, files, approved));
        }
    }
}
