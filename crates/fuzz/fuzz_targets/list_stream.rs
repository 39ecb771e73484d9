//! `cargo fuzz` on [`jottad_fuzz::list_stream`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| jottad_fuzz::list_stream(bytes));
