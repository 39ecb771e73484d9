//! What is not known of the service (protocol 10), as data: the questions, the answers that are thought of,
//! and what jottad takes for the likely one. How each is asked is in the files beside this one.

/// The file beside this one in which a question is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// `listings`
    Listings,
    /// `names`
    Names,
    /// `moving`
    Moving,
    /// `trash`
    Trash,
    /// `uploads`
    Uploads,
    /// `account`
    Account,
    /// `session`
    Session,
    /// Nowhere: why it cannot be asked in the minutes that a test may take.
    Nowhere(&'static str),
}

/// An open question.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// Its number in the protocol document, for example 7 for U-07.
    pub(crate) number: u8,
    /// Its name in `--json`.
    pub(crate) name: &'static str,
    /// What is asked.
    pub(crate) text: &'static str,
    /// The answers that are thought of, by their names in `--json`. The first is what jottad takes for
    /// likely; it is safe with each of them.
    pub(crate) answers: &'static [&'static str],
    /// Where it is asked.
    pub(crate) subject: Subject,
}

impl Question {
    /// Its number as documents write it: `U-07`.
    pub(crate) fn id(&self) -> String {
        format!("U-{:02}", self.number)
    }

    /// The answer that jottad takes for likely.
    pub(crate) fn assumed(&self) -> &'static str {
        self.answers.first().copied().unwrap_or_default()
    }
}

/// All of them, in the order of their numbers.
#[rustfmt::skip]
pub(crate) const QUESTIONS: &[Question] = &[
    Question {
        number: 1, name: "liststream-root", text: "the root element of a recursive listing",
        answers: &["liststream", "filelist"],
        subject: Subject::Listings,
    },
    Question {
        number: 2, name: "folder-elements", text: "which folders a recursive listing announces",
        answers: &["without-files", "every-folder"],
        subject: Subject::Listings,
    },
    Question {
        number: 3, name: "empty-root", text: "a recursive listing of an empty folder",
        answers: &["one-folder", "nothing"],
        subject: Subject::Listings,
    },
    Question {
        number: 4, name: "list-trashed-folder", text: "a recursive listing of a trashed folder",
        answers: &["not-found", "empty", "tombstones"],
        subject: Subject::Listings,
    },
    Question {
        number: 5, name: "refused-characters", text: "characters that are refused in names",
        answers: &["control-and-percent", "none"],
        subject: Subject::Names,
    },
    Question {
        number: 6, name: "name-length-unit", text: "what the limit of 255 per name counts",
        answers: &["utf16-units", "code-points", "bytes"],
        subject: Subject::Names,
    },
    Question {
        number: 7, name: "case-folding", text: "which letters are the same",
        answers: &["simple-lowercase", "ascii", "full-fold"],
        subject: Subject::Names,
    },
    Question {
        number: 8, name: "case-only-move", text: "a move that only changes letter case",
        answers: &["renames", "no-effect", "refused", "trashed"],
        subject: Subject::Moving,
    },
    Question {
        number: 9, name: "normalisation", text: "whether normal forms are one name",
        answers: &["distinct", "same"],
        subject: Subject::Names,
    },
    Question {
        number: 10, name: "move-onto-file", text: "moving a file onto a file",
        answers: &["refused", "replaces", "new-revision"],
        subject: Subject::Moving,
    },
    Question {
        number: 11, name: "move-onto-folder", text: "moving a folder onto a folder",
        answers: &["refused", "merges", "nests"],
        subject: Subject::Moving,
    },
    Question {
        number: 12, name: "copy-onto-file", text: "copying a file onto a file",
        answers: &["new-revision", "refused"],
        subject: Subject::Moving,
    },
    Question {
        number: 13, name: "file-command-on-folder", text: "a file's command on a folder",
        answers: &["not-found", "destroys"],
        subject: Subject::Trash,
    },
    Question {
        number: 14, name: "folder-command-on-file", text: "a folder's command on a file",
        answers: &["not-found", "works"],
        subject: Subject::Trash,
    },
    Question {
        number: 15, name: "reject-conflicts", text: "the status of a rejected conflict",
        answers: &["conflict", "bad-request"],
        subject: Subject::Uploads,
    },
    Question {
        number: 16, name: "make-over-file", text: "making a folder over a file",
        answers: &["refused", "no-effect", "converts"],
        subject: Subject::Trash,
    },
    Question {
        number: 17, name: "touch-number", text: "whether setting times raises the revision",
        answers: &["kept", "raised"],
        subject: Subject::Uploads,
    },
    Question {
        number: 18, name: "tombstone-and-live", text: "a name that is live and in the trash",
        answers: &["replaced", "both"],
        subject: Subject::Listings,
    },
    Question {
        number: 19, name: "dedup-scope", text: "where known content is looked for",
        answers: &["account", "global", "off", "live"],
        subject: Subject::Uploads,
    },
    Question {
        number: 20, name: "interrupted-other-content", text: "an interrupted upload, then other content",
        answers: &["dropped", "kept"],
        subject: Subject::Uploads,
    },
    Question {
        number: 21, name: "allocate-on-folder", text: "announcing a file where a folder is",
        answers: &["conflict", "bad-request"],
        subject: Subject::Uploads,
    },
    Question {
        number: 22, name: "partial-lifetime", text: "how long the bytes of a broken upload live",
        answers: &["forever", "one-hour"],
        subject: Subject::Nowhere("its bytes would have to be left alone for more than an hour"),
    },
    Question {
        number: 23, name: "upload-url", text: "how often an upload address can be used",
        answers: &["reusable", "single-use"],
        subject: Subject::Uploads,
    },
    Question {
        number: 24, name: "refresh-reuse", text: "a refresh token that is used again",
        answers: &["strict", "grace-30s", "no-rotation"],
        subject: Subject::Session,
    },
    Question {
        number: 25, name: "expired-token-body", text: "the body of 401 when a token has ended",
        answers: &["error", "html", "empty"],
        subject: Subject::Nowhere("an access token would have to be kept until it ends, usually for an hour"),
    },
    Question {
        number: 26, name: "offline-token-idle", text: "when an unused refresh token ends",
        answers: &["never", "thirty-days"],
        subject: Subject::Nowhere("a login would have to be left unused for a month"),
    },
    Question {
        number: 27, name: "upload-status", text: "the status of a corrupt upload",
        answers: &["split", "same"],
        subject: Subject::Uploads,
    },
    Question {
        number: 28, name: "throttling", text: "whether the rate of requests is limited",
        answers: &["off", "429", "503-bursts"],
        subject: Subject::Session,
    },
    Question {
        number: 29, name: "quota-status", text: "the status when the account is full",
        answers: &["460", "403", "507"],
        subject: Subject::Account,
    },
    Question {
        number: 30, name: "allocate-under-trash", text: "announcing a file below a trashed folder",
        answers: &["revives", "refused"],
        subject: Subject::Trash,
    },
    Question {
        number: 31, name: "trash-again", text: "trashing what is in the trash already",
        answers: &["keeps-stamp", "new-stamp"],
        subject: Subject::Trash,
    },
    Question {
        number: 32, name: "restored-number", text: "the revision number of a restored file",
        answers: &["same", "next"],
        subject: Subject::Trash,
    },
    Question {
        number: 33, name: "folder-times", text: "whether folders have a time",
        answers: &["absent", "modified"],
        subject: Subject::Listings,
    },
    Question {
        number: 34, name: "move-without-slash", text: "moving a folder without the slash",
        answers: &["not-found", "works"],
        subject: Subject::Moving,
    },
    Question {
        number: 35, name: "fail-after-move", text: "whether a move that was done is answered 500",
        answers: &["off", "on"],
        subject: Subject::Moving,
    },
    Question {
        number: 36, name: "trash-usage", text: "whether the trash counts as used",
        answers: &["counts", "free"],
        subject: Subject::Account,
    },
    Question {
        number: 37, name: "revision-limit", text: "whether unfinished uploads count as revisions",
        answers: &["all", "completed"],
        subject: Subject::Uploads,
    },
    Question {
        number: 38, name: "read-after-write", text: "how soon a listing shows what was written",
        answers: &["immediate", "delayed", "stale-node"],
        subject: Subject::Listings,
    },
    Question {
        number: 39, name: "md5-case", text: "the letter case of hashes",
        answers: &["as-sent", "lower"],
        subject: Subject::Names,
    },
    Question {
        number: 40, name: "websocket-ping", text: "which ping the event socket answers",
        answers: &["both", "object", "text"],
        subject: Subject::Session,
    },
    Question {
        number: 41, name: "container-modified", text: "what moves a mountpoint's time",
        answers: &["uploads", "everything"],
        subject: Subject::Account,
    },
    Question {
        number: 42, name: "file-size-limit", text: "whether there is a largest file",
        answers: &["none", "4-gib"],
        subject: Subject::Uploads,
    },
    Question {
        number: 43, name: "content-of-trashed", text: "fetching the content of a trashed file",
        answers: &["not-found", "content"],
        subject: Subject::Trash,
    },
    Question {
        number: 44, name: "unparsable-times", text: "setting a time that cannot be read",
        answers: &["now", "bad-request"],
        subject: Subject::Uploads,
    },
    Question {
        number: 45, name: "trashed-children-of-moved", text: "trashed children of a folder that is moved",
        answers: &["move", "stay"],
        subject: Subject::Moving,
    },
    Question {
        number: 46, name: "upload-after-trash", text: "an upload that ends after a trashing",
        answers: &["live", "not-found"],
        subject: Subject::Uploads,
    },
    Question {
        number: 47, name: "concurrent-uploads", text: "two uploads to one path at once",
        answers: &["last-wins", "conflict"],
        subject: Subject::Uploads,
    },
    Question {
        number: 48, name: "preconditions", text: "whether conditions are honoured",
        answers: &["ignored", "honoured"],
        subject: Subject::Uploads,
    },
    Question {
        number: 49, name: "make-in-missing-mountpoint", text: "making or sending something below a mountpoint that is not there",
        answers: &["made", "not-found", "made-by-all"],
        subject: Subject::Nowhere("it would make a mountpoint in the account"),
    },
    Question {
        number: 50, name: "name-in-looks", text: "how a look at one entry names it",
        answers: &["stored", "asked"],
        subject: Subject::Names,
    },
];

#[cfg(test)]
mod tests {
    use jottad_emulator::Switches;

    use super::*;

    #[test]
    fn the_emulator_can_answer_every_question_in_every_way_and_nothing_else() {
        let asked: Vec<_> =
            QUESTIONS.iter().map(|question| (question.id(), question.name, question.answers)).collect();
        let known: Vec<_> = Switches::ALL
            .iter()
            .map(|switch| (switch.id.replace('U', "U-"), switch.name, switch.answers))
            .collect();
        assert_eq!(asked, known);
    }

    #[test]
    fn every_question_is_in_the_protocol_document() {
        let document = include_str!("../../../../docs/protocol.md");
        let section = &document[document.find("## 10").unwrap()..];
        for question in QUESTIONS {
            assert!(section.contains(&question.id()), "{}", question.id());
        }
    }
}
