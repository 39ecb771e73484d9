//! Faults that are planted into the engine on purpose: a simulation that finds none of them would prove
//! nothing.

use jottad_core::Mode;
use jottad_engine::{Planted, plant};

use crate::generate::{Extras, scenario};
use crate::run::run;

/// A fault, in which lives it is looked for, and within how many it must show.
#[derive(Debug, Clone, Copy)]
pub struct Plant {
    /// What it is called.
    pub name: &'static str,
    /// What is planted.
    pub fault: Planted,
    /// Which side's changes travel.
    pub mode: Mode,
    /// What happens in some lives besides.
    pub extras: Extras,
    /// It must be found within so many lives.
    pub bound: u64,
    /// From this one on: some faults need what seldom meets.
    pub first: u64,
}

/// The life in which a fault showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its seed.
    pub seed: u64,
    /// How.
    pub violations: Vec<String>,
}

const PLAIN: Extras = Extras::PLAIN;
const HANGS: Extras = Extras { hangs: true, ..PLAIN };
const REFUSALS: Extras = Extras { refusals: true, ..PLAIN };
const RULES: Extras = Extras { rules: true, ..PLAIN };
const DISKS: Extras = Extras { disks: true, ..PLAIN };
const MEDDLING: Extras = Extras { meddling: true, ..PLAIN };
const PAGES: Extras = Extras { pages: true, ..PLAIN };

const DOUBTS: Extras = Extras { doubts: true, ..PLAIN };
const DOUBTED: Extras = Extras { refusals: true, doubts: true, ..PLAIN };

const fn plant_in(name: &'static str, fault: Planted, mode: Mode, extras: Extras, bound: u64) -> Plant {
    Plant { name, fault, mode, extras, bound, first: 0 }
}

/// Every fault.
pub const PLANTS: [Plant; 29] = [
    plant_in("lost-conflict", Planted::LostConflict, Mode::Sync, PLAIN, 50),
    plant_in("truncated-listing", Planted::TruncatedListing, Mode::Sync, PLAIN, 50),
    plant_in("base-before-disk", Planted::BaseBeforeDisk, Mode::Sync, PLAIN, 100),
    plant_in("stale-hash", Planted::StaleHash, Mode::Backup, PLAIN, 50),
    plant_in("overwrite-unseen", Planted::OverwriteUnseen, Mode::Sync, DOUBTS, 50),
    plant_in("download-over-edit", Planted::DownloadOverEdit, Mode::Sync, MEDDLING, 1000),
    plant_in("root-unchecked", Planted::RootUnchecked, Mode::Sync, DISKS, 100),
    plant_in("held-root-forgotten", Planted::HeldRootForgotten, Mode::Backup, PLAIN, 100),
    plant_in("no-hold", Planted::NoHold, Mode::Sync, PLAIN, 1000),
    plant_in("deletes-of-one-page", Planted::DeletesOfOnePage, Mode::Sync, PAGES, 200),
    plant_in("directory-is-one", Planted::DirectoryIsOne, Mode::Backup, PLAIN, 100).from(9450),
    plant_in("hold-unkept", Planted::HoldUnkept, Mode::Backup, PLAIN, 3000),
    plant_in("delete-unseen", Planted::DeleteUnseen, Mode::Backup, MEDDLING, 2000).from(12_000),
    plant_in("directory-unseen", Planted::DirectoryUnseen, Mode::Sync, MEDDLING, 500),
    plant_in("move-not-noted", Planted::MoveNotNoted, Mode::Backup, PLAIN, 4000),
    plant_in("ignored-is-deleted", Planted::IgnoredIsDeleted, Mode::Backup, RULES, 500),
    plant_in("refusal-forgotten", Planted::RefusalForgotten, Mode::Backup, REFUSALS, 100),
    plant_in("entry-stops-folder", Planted::EntryStopsFolder, Mode::Backup, REFUSALS, 200),
    plant_in("pause-uncounted", Planted::PauseUncounted, Mode::Backup, REFUSALS, 200),
    plant_in("stamp-proves", Planted::StampProves, Mode::Backup, DOUBTS, 1000),
    plant_in("own-work-explains", Planted::OwnWorkExplains, Mode::Backup, DOUBTS, 500),
    plant_in("root-path-unchecked", Planted::RootPathUnchecked, Mode::Backup, DOUBTS, 500),
    plant_in("lost-disk-is-deleted", Planted::LostDiskIsDeleted, Mode::Backup, DISKS, 500),
    plant_in("late-listing-proves", Planted::LateListingProves, Mode::Sync, DOUBTED, 100).from(1_002_700),
    plant_in("move-tried-on", Planted::MoveTriedOn, Mode::Backup, DOUBTED, 100).from(1_003_000),
    plant_in("doubt-left-behind", Planted::DoubtLeftBehind, Mode::Backup, DOUBTED, 100).from(2_004_000),
    plant_in("given-up-forgotten", Planted::GivenUpForgotten, Mode::Backup, DOUBTED, 100).from(6_010_750),
    plant_in("answer-age", Planted::AnswerAge, Mode::Sync, HANGS, 200).from(1100),
    plant_in("room-not-noticed", Planted::RoomNotNoticed, Mode::Backup, RULES, 100).from(2700),
];

impl Plant {
    const fn from(self, first: u64) -> Self {
        Self { first, ..self }
    }

    /// Lives lives with the fault until it shows. A life that ends badly without it does not count.
    pub fn find(&self) -> Option<Found> {
        (self.first..self.first + self.bound).find_map(|seed| {
            let scenario = scenario(seed, self.mode, self.extras);
            plant(Some(self.fault));
            let violations = run(&scenario, seed, false).violations;
            plant(None);
            let is_found = !violations.is_empty() && run(&scenario, seed, false).violations.is_empty();
            is_found.then_some(Found { seed, violations })
        })
    }
}
