//! The questions about Jottacloud that nobody outside can answer yet, one typed switch for each (protocol
//! 10).
//!
//! The first answer of every switch is the default. A switch has an id (`U02`), a name (`folder-elements`)
//! and answers with stable names; the command line, the control endpoint and `selftest` speak of them by
//! these.

use std::fmt;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// An unknown switch or an answer it does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SwitchError {
    /// No switch has this id or name.
    #[error("unknown switch {0:?} (--list-switches shows all)")]
    UnknownSwitch(String),
    /// The switch exists, the answer does not.
    #[error("switch {switch} has no answer {answer:?}, but: {allowed}")]
    UnknownAnswer {
        /// The id of the switch.
        switch: &'static str,
        /// What was asked for.
        answer: String,
        /// The answers that exist, joined by commas.
        allowed: String,
    },
    /// The text is not of the form `SWITCH=ANSWER`.
    #[error("{0:?} is not of the form SWITCH=ANSWER, for example U02=every-folder")]
    Malformed(String),
    /// The change would make two entries of one folder the same.
    #[error("under the new rule for names {0} would be two entries of one name; remove one first")]
    NamesCollide(String),
}

/// What is known of one switch, for lists and help texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SwitchInfo {
    /// The number in the protocol document, for example `U02`.
    pub id: &'static str,
    /// The name, for example `folder-elements`.
    pub name: &'static str,
    /// The open question.
    pub question: &'static str,
    /// The possible answers; the first is the default.
    pub answers: &'static [&'static str],
}

macro_rules! switches {
    ($( $id:literal $name:literal $field:ident : $type:ident, $question:literal {
        $first:ident = $first_answer:literal, $first_doc:literal;
        $( $variant:ident = $answer:literal, $doc:literal; )+
    } )+) => {
        $(
            #[doc = $question]
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
            pub enum $type {
                #[doc = $first_doc]
                #[default]
                $first,
                $( #[doc = $doc] $variant, )+
            }

            impl $type {
                const ANSWERS: &[(&str, Self)] =
                    &[($first_answer, Self::$first), $( ($answer, Self::$variant), )+];

                /// The stable name of this answer.
                pub fn name(self) -> &'static str {
                    Self::ANSWERS.iter().find(|(_, answer)| *answer == self).map_or("", |(name, _)| name)
                }
            }
        )+

        /// One answer to every open question; the default is the answer that fits the evidence best.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct Switches {
            $( #[doc = concat!($id, ": ", $question)] pub $field: $type, )+
        }

        impl Switches {
            /// Every switch with its question and answers, in the order of the ids.
            pub const ALL: &[SwitchInfo] = &[
                $( SwitchInfo {
                    id: $id,
                    name: $name,
                    question: $question,
                    answers: &[$first_answer, $( $answer, )+],
                }, )+
            ];

            /// The name of the answer that the switch `id` (or name) has now.
            pub fn get(&self, id: &str) -> Result<&'static str, SwitchError> {
                $( if matches(id, $id, $name) { return Ok(self.$field.name()); } )+
                Err(SwitchError::UnknownSwitch(id.to_owned()))
            }

            /// Sets the switch `id` (or name) to the answer of that name.
            pub fn set(&mut self, id: &str, answer: &str) -> Result<(), SwitchError> {
                $( if matches(id, $id, $name) {
                    self.$field = $type::ANSWERS
                        .iter()
                        .find(|(name, _)| *name == answer)
                        .map(|(_, value)| *value)
                        .ok_or_else(|| SwitchError::UnknownAnswer {
                            switch: $id,
                            answer: answer.to_owned(),
                            allowed: [$first_answer, $( $answer, )+].join(", "),
                        })?;
                    return Ok(());
                } )+
                Err(SwitchError::UnknownSwitch(id.to_owned()))
            }
        }
    };
}

switches! {
    "U01" "liststream-root" liststream_root: ListstreamRoot, "The name of liststream's root element." {
        Liststream = "liststream", "`<liststream>`.";
        Filelist = "filelist", "Another name.";
    }
    "U02" "folder-elements" folder_elements: FolderElements, "Which folders get a `<folder>` in a liststream." {
        WithoutFiles = "without-files", "Only folders without files of their own.";
        EveryFolder = "every-folder", "Every folder, before its files.";
    }
    "U03" "empty-root" empty_root: EmptyRoot, "Whether liststream lists an empty requested folder." {
        OneFolder = "one-folder", "As one `<folder>`.";
        Nothing = "nothing", "Not at all; the stats are zero.";
    }
    "U04" "list-trashed-folder" list_trashed_folder: ListTrashedFolder, "A recursive listing of a trashed folder." {
        NotFound = "not-found", "404.";
        Empty = "empty", "An empty listing.";
        Tombstones = "tombstones", "The trashed content as if it were live.";
    }
    "U05" "refused-characters" refused_characters: RefusedCharacters, "Which characters in names are refused." {
        ControlAndPercent = "control-and-percent", "Control characters everywhere; `%` in the path of a later request.";
        None = "none", "None.";
    }
    "U06" "name-length-unit" name_length_unit: NameLengthUnit, "What the limit of 255 per name counts." {
        Utf16 = "utf16-units", "UTF-16 units.";
        CodePoints = "code-points", "Code points.";
        Bytes = "bytes", "UTF-8 bytes.";
    }
    "U07" "case-folding" case_folding: CaseFolding, "Which letters are equal to which." {
        SimpleLowercase = "simple-lowercase", "Unicode lower-case, character by character.";
        Ascii = "ascii", "Only A to Z.";
        Full = "full-fold", "Full Unicode case folding.";
    }
    "U08" "case-only-move" case_only_move: CaseOnlyMove, "A move that changes only the letter case." {
        Renames = "renames", "200, and the entry has the new name.";
        NoEffect = "no-effect", "200, and nothing changed.";
        Refused = "refused", "409.";
        Trashed = "trashed", "200, and the file is in the trash.";
    }
    "U09" "normalisation" normalisation: Normalisation, "Whether NFC and NFD are the same name." {
        Distinct = "distinct", "They are two names.";
        Same = "same", "They are one name.";
    }
    "U10" "move-onto-file" move_onto_file: MoveOntoFile, "`mv` onto a live file." {
        Refused = "refused", "409 `UniqueFileException`.";
        Replaces = "replaces", "The target is gone.";
        NewRevision = "new-revision", "The target gets a new revision.";
    }
    "U11" "move-onto-folder" move_onto_folder: MoveOntoFolder, "`mvDir` onto a live folder." {
        Refused = "refused", "409.";
        Merges = "merges", "Contents are merged, the source wins.";
        Nests = "nests", "The source becomes a child of the target.";
    }
    "U12" "copy-onto-file" copy_onto_file: CopyOntoFile, "`cp` onto a live file." {
        NewRevision = "new-revision", "The target gets a new revision.";
        Refused = "refused", "409.";
    }
    "U13" "file-command-on-folder" file_command_on_folder: FileCommandOnFolder, "`rm` or `dl` on a folder." {
        NotFound = "not-found", "404, nothing happens.";
        Destroys = "destroys", "The folder is gone, past the trash.";
    }
    "U14" "folder-command-on-file" folder_command_on_file: FolderCommandOnFile, "`rmDir` or `dlDir` on a file." {
        NotFound = "not-found", "404, nothing happens.";
        Works = "works", "As the command for files.";
    }
    "U15" "reject-conflicts" reject_conflicts: RejectConflicts, "The status of `REJECT_CONFLICTS`." {
        Conflict = "conflict", "409 `UniqueFileException`.";
        BadRequest = "bad-request", "400 `UniqueFileException`.";
    }
    "U16" "make-over-file" make_over_file: MakeOverFile, "`mkDir` over a live file." {
        Refused = "refused", "409.";
        NoEffect = "no-effect", "200, and the file stays.";
        Converts = "converts", "The file goes to the trash, the folder is made.";
    }
    "U17" "touch-number" touch_number: TouchNumber, "Whether a change of times alone raises the revision number." {
        Kept = "kept", "It does not.";
        Raised = "raised", "It makes a new revision.";
    }
    "U18" "tombstone-and-live" tombstone_and_live: TombstoneAndLive, "A name that is trashed and live again." {
        Replaced = "replaced", "One entry per name: the live one takes the tombstone's place.";
        Both = "both", "Both are listed.";
    }
    "U19" "dedup-scope" dedup_scope: DedupScope, "Where known content is looked for." {
        Account = "account", "In all that the account holds, trash and old revisions included.";
        Global = "global", "In all that was ever uploaded.";
        Off = "off", "Nowhere: everything is uploaded.";
        Live = "live", "In live current revisions.";
    }
    "U20" "interrupted-other-content" interrupted_other_content: InterruptedOtherContent,
        "An interrupted upload, then an allocate with other content." {
        Dropped = "dropped", "A new number; the partial upload is forgotten.";
        Kept = "kept", "A new number; both partial uploads can be resumed.";
    }
    "U21" "allocate-on-folder" allocate_on_folder: AllocateOnFolder, "Allocate on the path of a live folder." {
        Conflict = "conflict", "409 `UniqueFileException`.";
        BadRequest = "bad-request", "400.";
    }
    "U22" "partial-lifetime" partial_lifetime: PartialLifetime, "How long the bytes of a partial upload live." {
        Forever = "forever", "For ever.";
        OneHour = "one-hour", "For an hour.";
    }
    "U23" "upload-url" upload_url: UploadUrl, "How often an upload URL can be used." {
        Reusable = "reusable", "For an hour, until the upload is complete.";
        SingleUse = "single-use", "Once.";
    }
    "U24" "refresh-reuse" refresh_reuse: RefreshReuse, "A refresh token that is used again." {
        Strict = "strict", "Its whole family is revoked at once.";
        Grace = "grace-30s", "It is accepted for 30 seconds after the rotation.";
        NoRotation = "no-rotation", "Refresh tokens never change.";
    }
    "U25" "expired-token-body" expired_token_body: ExpiredTokenBody, "The body of 401 for an expired token." {
        Error = "error", "An error document, `BadCredentialsException`.";
        Html = "html", "HTML.";
        Empty = "empty", "Nothing.";
    }
    "U26" "offline-token-idle" offline_token_idle: OfflineTokenIdle, "When an unused refresh token expires." {
        Never = "never", "Never.";
        ThirtyDays = "thirty-days", "After 30 days.";
    }
    "U27" "upload-status" upload_status: UploadStatus, "The status of short and corrupt uploads." {
        Split = "split", "420 when short, 421 when corrupt.";
        Same = "same", "420 for both.";
    }
    "U28" "throttling" throttling: Throttling, "Whether the service limits the rate of requests." {
        Off = "off", "It does not.";
        TooManyRequests = "429", "Every 50th request gets 429 with Retry-After.";
        Bursts = "503-bursts", "Five of 200 requests in a row get 503.";
    }
    "U29" "quota-status" quota_status: QuotaStatus, "The status when the quota is exceeded." {
        Status460 = "460", "460.";
        Status403 = "403", "403.";
        Status507 = "507", "507.";
    }
    "U30" "allocate-under-trash" allocate_under_trash: AllocateUnderTrash, "Allocate below a trashed folder." {
        Revives = "revives", "The parents are live again, siblings stay trashed.";
        Refused = "refused", "404.";
    }
    "U31" "trash-again" trash_again: TrashAgain, "`dl` of a file that is trashed already." {
        KeepsStamp = "keeps-stamp", "Changes nothing.";
        NewStamp = "new-stamp", "Refreshes the time of deletion.";
    }
    "U32" "restored-number" restored_number: RestoredNumber, "The revision number of a restored file." {
        Same = "same", "As before.";
        Next = "next", "One more.";
    }
    "U33" "folder-times" folder_times: FolderTimes, "Whether a folder's own document has a time." {
        Absent = "absent", "It has none.";
        Modified = "modified", "It has `<modified>`.";
    }
    "U34" "move-without-slash" move_without_slash: MoveWithoutSlash, "`mvDir` without a slash at the end of the URL." {
        NotFound = "not-found", "404.";
        Works = "works", "Works.";
    }
    "U35" "fail-after-move" fail_after_move: FailAfterMove, "Whether a move that was done is answered with 500." {
        Off = "off", "It is not.";
        On = "on", "It is.";
    }
    "U36" "trash-usage" trash_usage: TrashUsage, "Whether the trash counts towards the usage." {
        Counts = "counts", "It counts.";
        Free = "free", "It does not.";
    }
    "U37" "revision-limit" revision_limit: RevisionLimit, "Which of the five kept revisions count." {
        All = "all", "All, incomplete ones too.";
        Completed = "completed", "Only completed ones.";
    }
    "U38" "read-after-write" read_after_write: ReadAfterWrite, "How soon a write is seen by readers." {
        Immediate = "immediate", "At once.";
        Delayed = "delayed", "Listings of folders are up to five seconds old.";
        StaleNode = "stale-node", "Every other listing comes from a node that is five seconds behind.";
    }
    "U39" "md5-case" md5_case: Md5Case, "The letter case of MD5 values." {
        AsSent = "as-sent", "As the uploader sent it.";
        Lower = "lower", "Lower.";
    }
    "U40" "websocket-ping" websocket_ping: WebsocketPing, "Which form of ping the event socket knows." {
        Both = "both", "The object and the string.";
        Object = "object", "Only `{\"PING\":\"Ok\"}`.";
        Text = "text", "Only `\"PING\"`.";
    }
    "U41" "container-modified" container_modified: ContainerModified, "What moves a mountpoint's `modified`." {
        Uploads = "uploads", "Only uploads.";
        Everything = "everything", "Deletes, moves and new folders too.";
    }
    "U42" "file-size-limit" file_size_limit: FileSizeLimit, "The largest file." {
        None = "none", "No limit.";
        FourGibibytes = "4-gib", "4 GiB; allocate refuses more with 400.";
    }
    "U43" "content-of-trashed" content_of_trashed: ContentOfTrashed, "`mode=bin` of a trashed file." {
        NotFound = "not-found", "404.";
        Content = "content", "The content.";
    }
    "U44" "unparsable-times" unparsable_times: UnparsableTimes, "`cphash` with times that cannot be read." {
        Now = "now", "They become the present time.";
        BadRequest = "bad-request", "400.";
    }
    "U45" "trashed-children-of-moved" trashed_children_of_moved: TrashedChildrenOfMoved,
        "The trashed children of a folder that is moved." {
        Move = "move", "Move with it.";
        Stay = "stay", "Stay where they were deleted.";
    }
    "U46" "upload-after-trash" upload_after_trash: UploadAfterTrash,
        "An upload that ends after its path was trashed or moved." {
        Live = "live", "The file is live at the allocated path.";
        NotFound = "not-found", "404.";
    }
    "U47" "concurrent-uploads" concurrent_uploads: ConcurrentUploads, "Two uploads to one path at once." {
        LastWins = "last-wins", "The last to complete is current, both are revisions.";
        Conflict = "conflict", "The second to complete gets 409.";
    }
    "U48" "preconditions" preconditions: Preconditions, "Conditional requests." {
        Ignored = "ignored", "`If-Match` is ignored.";
        Honoured = "honoured", "`If-Match` with another MD5 than the current one gets 412.";
    }
    "U49" "make-in-missing-mountpoint" make_in_missing_mountpoint: MakeInMissingMountpoint,
        "`mkDir` and uploads below a mountpoint that is not there." {
        Made = "made", "`mkDir` makes the mountpoint with the folders, uploads get 404.";
        NotFound = "not-found", "404 `NoSuchMountPointException`.";
        MadeByAll = "made-by-all", "Uploads make the mountpoint too.";
    }
    "U50" "name-in-looks" name_in_looks: NameInLooks, "The name in the document of one file or folder." {
        Stored = "stored", "As the entry was stored.";
        Asked = "asked", "As it was asked for.";
    }
}

fn matches(asked: &str, id: &str, name: &str) -> bool {
    asked.eq_ignore_ascii_case(id) || asked == name
}

impl Switches {
    /// A set of answers drawn from `seed`; the same seed gives the same set.
    pub fn random(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut switches = Self::default();
        for info in Self::ALL {
            let answer = info.answers[random.usize(..info.answers.len())];
            // Both names come from the table that `set` reads.
            switches.set(info.id, answer).unwrap_or_default();
        }
        switches
    }

    /// Applies one `SWITCH=ANSWER`, as the command line has it.
    pub fn apply(&mut self, text: &str) -> Result<(), SwitchError> {
        let (id, answer) = text.split_once('=').ok_or_else(|| SwitchError::Malformed(text.to_owned()))?;
        self.set(id.trim(), answer.trim())
    }

    /// Id and answer of every switch, in the order of the ids.
    pub fn answers(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        Self::ALL.iter().map(|info| (info.id, self.get(info.id).unwrap_or_default()))
    }
}

impl fmt::Display for Switches {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (id, answer) in self.answers() {
            writeln!(out, "{id}={answer}")?;
        }
        Ok(())
    }
}

impl Serialize for Switches {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Self::ALL.len()))?;
        for (id, answer) in self.answers() {
            map.serialize_entry(id, answer)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_can_be_set_by_id_and_by_name() {
        for info in Switches::ALL {
            for answer in info.answers {
                for handle in [info.id, info.name] {
                    let mut switches = Switches::default();
                    switches.apply(&format!("{handle}={answer}")).unwrap();
                    assert_eq!(switches.get(info.id).unwrap(), *answer, "{handle}");
                }
            }
        }
    }

    #[test]
    fn ids_count_from_1_to_50_without_a_gap() {
        let ids: Vec<_> = Switches::ALL.iter().map(|info| info.id.to_owned()).collect();
        let expected: Vec<_> = (1..=50).map(|number| format!("U{number:02}")).collect();
        assert_eq!(ids, expected);
    }

    #[test]
    fn the_first_answer_is_the_default() {
        for info in Switches::ALL {
            assert_eq!(Switches::default().get(info.id).unwrap(), info.answers[0], "{}", info.id);
        }
    }

    #[test]
    fn random_sets_differ_by_seed_and_repeat_by_seed() {
        assert_eq!(Switches::random(7), Switches::random(7));
        assert_ne!(Switches::random(7), Switches::random(8));
    }

    #[test]
    fn wrong_input_is_named() {
        let mut switches = Switches::default();
        assert_eq!(
            switches.apply("U03=maybe").unwrap_err().to_string(),
            "switch U03 has no answer \"maybe\", but: one-folder, nothing"
        );
        assert!(matches!(switches.apply("U99=x"), Err(SwitchError::UnknownSwitch(_))));
        assert!(matches!(switches.apply("U03"), Err(SwitchError::Malformed(_))));
    }
}
