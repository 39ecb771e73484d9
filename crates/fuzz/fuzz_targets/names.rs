//! `cargo fuzz` on [`jottad_fuzz::names`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| jottad_fuzz::names(bytes));
