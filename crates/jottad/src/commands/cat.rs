//! `jottad cat`: a file's content, or a part of it, to standard output.

use std::io::{self, Write as _};

use clap::Args;
use jottad_transport::{Client, Error, LiveFile, PartialContent, RemotePath};

use crate::cli::completion::remote_place;
use crate::cli::failure::{Exit, Failure};
use crate::cli::invocation::Invocation;
use crate::remote::{Found, absent, is_pattern, named, not_file, place_argument};

/// How often a broken connection is taken up again without a byte having come.
const ATTEMPTS: u32 = 4;

#[derive(Debug, Args)]
pub(crate) struct CatArguments {
    /// The file: DEVICE/MOUNTPOINT/path; of a pattern in quotes such as 'Jotta/Archive/x/*.txt' all that it
    /// matches, one after the other
    #[arg(add = remote_place())]
    remote: String,
    /// Begin after so many bytes
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    offset: u64,
    /// Stop after so many bytes
    #[arg(long, value_name = "BYTES")]
    length: Option<u64>,
}

/// Prints; a whole file is compared with its hash at the end.
pub(crate) fn run(arguments: &CatArguments, invocation: &Invocation) -> Result<Exit, Failure> {
    if !is_pattern(&arguments.remote) {
        place_argument(&arguments.remote)?;
    }
    let client = invocation.client()?;
    invocation.wait(async {
        let all = named(&client, "reading", &arguments.remote).await?.into_all();
        let is_part = arguments.offset > 0 || arguments.length.is_some();
        if is_part && all.len() > 1 {
            return Err(Failure::usage(format!("{}: a part is one of a single file", arguments.remote))
                .path(&arguments.remote)
                .hint("name one file, or leave --offset and --length out"));
        }
        // Before the first byte of another one.
        if let Some(Found { place, seen }) = all.iter().find(|found| found.seen.file().is_none()) {
            return Err(not_file("reading", place, seen));
        }
        for Found { place, seen } in &all {
            if let Some(file) = seen.file() {
                print(&client, place, file, arguments).await?;
            }
        }
        io::stdout().flush().map_err(|error| Failure::from_output(&error))?;
        Ok(Exit::Done)
    })
}

async fn print(
    client: &Client,
    place: &RemotePath,
    file: &LiveFile,
    arguments: &CatArguments,
) -> Result<(), Failure> {
    let end = arguments.length.map_or(u64::MAX, |length| arguments.offset.saturating_add(length));
    if arguments.offset == 0 && end >= file.content.size {
        return whole(client, place, file).await;
    }
    part(client, place, arguments.offset, end.min(file.content.size)).await?;
    // A part has no hash to compare; that it is of one content is all that can be told.
    if client.look(place).await?.file().map(|now| now.content) != Some(file.content) {
        return Err(absent("reading", place, "it changed meanwhile").hint("try again"));
    }
    Ok(())
}

pub(crate) async fn whole(client: &Client, place: &RemotePath, file: &LiveFile) -> Result<(), Failure> {
    let held = PartialContent::default();
    match client.download(place, None, file.content, held, &mut io::stdout()).await {
        // Whoever read our output may have seen enough.
        Err(Error::Sink { source, .. }) => Err(Failure::from_output(&source)),
        result => Ok(result?),
    }
}

async fn part(client: &Client, place: &RemotePath, mut offset: u64, end: u64) -> Result<(), Failure> {
    let mut failed = 0;
    while offset < end {
        let before = offset;
        let trouble = match copy(client, place, &mut offset, end).await? {
            Ok(()) if offset < end => Failure::failed(format!("reading {place}: the content ended early")),
            Ok(()) => break,
            Err(error) if error.is_retryable() => error.into(),
            Err(error) => return Err(error.into()),
        };
        failed = if offset > before { 0 } else { failed + 1 };
        if failed == ATTEMPTS {
            return Err(trouble);
        }
    }
    Ok(())
}

/// The outer error is that of our output, the inner one the service's.
async fn copy(
    client: &Client,
    place: &RemotePath,
    offset: &mut u64,
    end: u64,
) -> Result<Result<(), Error>, Failure> {
    let mut stream = match client.open_content(place, None, *offset, Some(end - *offset)).await {
        Ok(stream) => stream,
        Err(error) => return Ok(Err(error)),
    };
    loop {
        match stream.next_chunk().await {
            Ok(Some(chunk)) => {
                io::stdout().write_all(&chunk).map_err(|error| Failure::from_output(&error))?;
                *offset += chunk.len() as u64;
            }
            Ok(None) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        }
    }
}
