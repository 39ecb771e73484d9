//! From the three trees to operations: what is to be done, in which order, and what waits for a person.

pub(super) mod approvals;
pub(super) mod deciding;
pub(super) mod deleting;
pub(super) mod following;
pub(super) mod foreseeing;
pub(super) mod holding;
mod issuing;
pub(super) mod losing;
pub(super) mod moving;
pub(super) mod overwriting;
pub(super) mod parking;
pub(super) mod places;
pub(super) mod planning;
pub(super) mod previewing;
pub(super) mod resending;
pub(super) mod respelling;
pub(super) mod round;
