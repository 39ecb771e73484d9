//! The engine through simulated lives: four thousand that are drawn, and those that failed once.

mod disks;
mod drawn;
mod living;
mod proofs;
mod respelling;
mod seeds;
mod usual;
