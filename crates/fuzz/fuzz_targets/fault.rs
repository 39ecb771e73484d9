//! `cargo fuzz` on [`jottad_fuzz::fault`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| jottad_fuzz::fault(bytes));
