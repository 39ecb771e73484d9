//! `cargo fuzz` on [`jottad_fuzz::documents`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| jottad_fuzz::documents(bytes));
