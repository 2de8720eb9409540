//! Keeps a state in a folder: a journal that is appended to, and counts that are replaced as a whole.
//!
//! ```text
//! DIR/lock      held while a simulator uses the folder
//! DIR/journal   CHECKSUM JSON, one line for the format and one for each record
//! DIR/tally     what reads count, written anew at most once a second
//! ```
//!
//! A line is in the operating system's hands before its answer is sent, so a killed process loses none; only a line
//! that was being written is incomplete, and is cut off at the next start, which says so. A crash of the machine may
//! lose the last lines: nothing waits for the disk but what replaces a whole file. A journal that has grown is
//! replaced by a shorter one that leads to the same state. A journal that cannot be written (the disk is full) ends the
//! simulator before it answers: what nobody was told of need not be kept.

pub(crate) mod shorten;

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::state::Cloud;
use crate::state::record::{Record, Tally};

const FORMAT: &str = "eci-sim state";
/// Goes up when older journals no longer lead to the same state.
const VERSION: u64 = 1;
/// How old counts may be after a kill.
const TALLY_EVERY: SignedDuration = SignedDuration::from_secs(1);
/// A journal below this size is left as it is.
const SHORTEN_FROM: u64 = 8 << 20;

/// A folder in use.
#[derive(Debug)]
pub(crate) struct Keeper {
    directory: PathBuf,
    journal: File,
    length: u64,
    /// How long the journal may become before it is shortened.
    longest: u64,
    /// What the journal begins with.
    blank: Box<Cloud>,
    tallied_at: Timestamp,
    /// Why nothing is written any more.
    failure: Option<io::Error>,
    /// Lets go of the folder when it is dropped.
    _lock: File,
}

/// What a folder holds.
pub(crate) struct Kept {
    /// With the line that each is on.
    pub(crate) records: Vec<(usize, Record)>,
    pub(crate) tally: Tally,
}

impl Keeper {
    /// Takes the folder, which is made where there is none, and reads what it holds: what has happened to `blank`.
    pub(crate) fn open(directory: &Path, blank: Cloud) -> Result<(Self, Kept), Error> {
        let read = |source| Error::Read { path: directory.to_owned(), source };
        fs::create_dir_all(directory).map_err(read)?;
        let journal_path = directory.join("journal");
        if !journal_path.exists() && fs::read_dir(directory).map_err(read)?.any(is_foreign) {
            let problem = "holds files that are not a state of eci-sim; name an empty or a new folder";
            return Err(Error::State { path: directory.to_owned(), problem: problem.to_owned() });
        }
        // Access keys that were added are in there.
        fs::set_permissions(directory, Permissions::from_mode(0o700)).map_err(read)?;
        let lock = File::create(directory.join("lock")).map_err(read)?;
        if lock.try_lock().is_err() {
            let problem = "is used by another eci-sim; end that one or name another folder".to_owned();
            return Err(Error::State { path: directory.to_owned(), problem });
        }
        let mut journal =
            OpenOptions::new().create(true).append(true).mode(0o600).open(&journal_path).map_err(read)?;
        let text = fs::read(&journal_path).map_err(read)?;
        let (records, length) =
            parse(&text).map_err(|problem| Error::State { path: journal_path.clone(), problem })?;
        if length < text.len() {
            let (bytes, journal) = (text.len() - length, journal_path.display());
            tracing::warn!(bytes, %journal, "the last line was being written when it ended, and is left out");
        }
        journal.set_len(length as u64).map_err(read)?;
        if length == 0 {
            journal.write_all(&head()).map_err(read)?;
        }
        let tally = fs::read(directory.join("tally")).ok();
        let tally = tally.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        let directory = directory.to_owned();
        let length = journal.metadata().map_err(read)?.len();
        let keeper = Self {
            directory,
            journal,
            length,
            longest: SHORTEN_FROM,
            blank: Box::new(blank),
            tallied_at: Timestamp::MIN,
            failure: None,
            _lock: lock,
        };
        Ok((keeper, Kept { records, tally }))
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn journal_path(&self) -> PathBuf {
        self.directory.join("journal")
    }

    /// Writes down what has happened since; false when that cannot be done, now or any more.
    pub(crate) fn save(&mut self, cloud: &mut Cloud) -> bool {
        if self.failure.is_none() {
            self.failure = self.save_records(cloud).err();
        }
        if self.failure.is_some() {
            return false;
        }
        let is_due = cloud.wall.duration_since(self.tallied_at) >= TALLY_EVERY;
        let rest = self.shorten_when_long(cloud);
        if let Err(error) = rest.and_then(|()| if is_due { self.save_tally(cloud) } else { Ok(()) }) {
            // The journal goes on as it is, and counts may be old.
            tracing::warn!(%error, directory = %self.directory.display(), "the state could not be tidied");
        }
        true
    }

    /// Why the journal could not be written.
    pub(crate) fn failure(&self) -> Option<Error> {
        let error = self.failure.as_ref()?;
        let problem = format!(
            "could not be written: {error}; what was answered before is kept: start again when there is room"
        );
        Some(Error::State { path: self.directory.clone(), problem })
    }

    fn save_records(&mut self, cloud: &mut Cloud) -> io::Result<()> {
        let Some(unsaved) = cloud.unsaved.as_mut().filter(|unsaved| !unsaved.is_empty()) else {
            return Ok(());
        };
        let lines: Vec<u8> = unsaved.drain(..).flat_map(|record| line(&json!(record))).collect();
        if let Err(error) = self.journal.write_all(&lines) {
            // What was written of them was not answered; whole lines among it would happen again at the next start.
            let _ = self.journal.set_len(self.length);
            return Err(error);
        }
        self.length += lines.len() as u64;
        Ok(())
    }

    /// Leaves out of a long journal what no longer matters.
    fn shorten_when_long(&mut self, cloud: &Cloud) -> io::Result<()> {
        if self.length < self.longest {
            return Ok(());
        }
        let text = fs::read(self.journal_path())?;
        let (records, _) = parse(&text).map_err(io::Error::other)?;
        let records = records.into_iter().map(|(_, record)| record).collect();
        if let Some(shorter) = shorten::shorter(records, cloud, &self.blank) {
            let lines = shorter.iter().flat_map(|record| line(&json!(record)));
            let text: Vec<u8> = head().into_iter().chain(lines).collect();
            tracing::info!(from = self.length, to = text.len(), "the journal was shortened");
            replace(&self.journal_path(), &text)?;
            self.journal = OpenOptions::new().append(true).open(self.journal_path())?;
            self.length = text.len() as u64;
        }
        self.longest = (self.length * 2).max(SHORTEN_FROM);
        Ok(())
    }

    /// Replaces the counts, so that a reader finds the old ones or the new ones.
    pub(crate) fn save_tally(&mut self, cloud: &Cloud) -> io::Result<()> {
        self.tallied_at = cloud.wall;
        replace(&self.directory.join("tally"), json!(cloud.tally()).to_string().as_bytes())
    }
}

/// Writes a whole file, so that a reader finds the old text or the new one, whatever happens meanwhile.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(new, path)?;
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

/// The first line of a journal.
fn head() -> Vec<u8> {
    line(&json!({"format": FORMAT, "version": VERSION}))
}

/// Whether somebody else put it there.
fn is_foreign(entry: io::Result<fs::DirEntry>) -> bool {
    entry.is_ok_and(|entry| entry.file_name() != "lock")
}

fn line(value: &Value) -> Vec<u8> {
    let text = value.to_string();
    format!("{} {text}\n", checksum(text.as_bytes())).into_bytes()
}

fn checksum(text: &[u8]) -> String {
    Sha256::digest(text)[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value of a line, when nothing of it has changed.
fn value(line: &[u8]) -> Option<Value> {
    let (sum, text) = line.split_at_checked(8)?;
    let text = text.strip_prefix(b" ")?;
    (checksum(text).as_bytes() == sum).then(|| serde_json::from_slice(text).ok()).flatten()
}

/// The records of a journal, and where its last whole line ends.
fn parse(text: &[u8]) -> Result<(Vec<(usize, Record)>, usize), String> {
    let length = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let mut lines = text[..length].split_inclusive(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    let Some(first) = lines.next() else {
        // Killed while the very first line was written, unless it is something else altogether.
        let is_ours = text.is_empty() || head().starts_with(text);
        return if is_ours { Ok((Vec::new(), 0)) } else { Err(foreign()) };
    };
    let format = value(first).filter(|head| head["format"] == FORMAT).ok_or_else(foreign)?;
    if format["version"] != VERSION {
        return Err(format!(
            "was written in version {} of the format, this eci-sim reads {VERSION}; use the eci-sim that wrote it, or \
             name another folder",
            format["version"]
        ));
    }
    let record = |(index, line): (usize, &[u8])| {
        let number = index + 2;
        let record = value(line).and_then(|value| serde_json::from_value(value).ok());
        record.map(|record| (number, record)).ok_or_else(|| damaged(number, "its checksum is wrong"))
    };
    Ok((lines.enumerate().map(record).collect::<Result<_, String>>()?, length))
}

fn foreign() -> String {
    "is not a state of eci-sim; name an empty or a new folder".to_owned()
}

/// What is told of a line that cannot be used.
pub(crate) fn damaged(line: usize, problem: &str) -> String {
    format!(
        "is damaged in line {line}: {problem}; move the folder away to start anew, or cut the file before that line to \
         keep what came before"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::record::What;

    fn began(lines: &[Value]) -> Vec<u8> {
        head().into_iter().chain(lines.iter().flat_map(line)).collect()
    }

    fn ended(id: &str) -> Value {
        let what = What::Ended { id: id.to_owned(), status: "Failed".to_owned() };
        json!(Record { at: Timestamp::UNIX_EPOCH, what })
    }

    #[test]
    fn a_line_that_was_being_written_is_cut_off_wherever_that_was() {
        let whole = began(&[ended("eci-1"), ended("eci-2")]);
        let lengths = [began(&[]).len(), began(&[ended("eci-1")]).len(), whole.len()];
        for cut in 0..=whole.len() {
            let (records, length) = parse(&whole[..cut]).unwrap();
            let lines = lengths.iter().filter(|length| **length <= cut).count();
            assert_eq!(records.len(), lines.saturating_sub(1), "cut at {cut}");
            assert_eq!(length, lines.checked_sub(1).map_or(0, |last| lengths[last]));
        }
    }

    #[test]
    fn a_changed_line_is_told_by_its_number() {
        let mut text = began(&[ended("eci-1"), ended("eci-2")]);
        let at = text.len() - 12;
        text[at] ^= 1;
        let problem = parse(&text).unwrap_err();
        assert!(problem.contains("line 3") && problem.contains("move the folder away"), "{problem}");
    }

    #[test]
    fn another_file_and_another_version_are_refused_with_a_remedy() {
        for text in ["hello", "hello\n", "{\"format\": \"eci-sim state\"}\n"] {
            assert!(parse(text.as_bytes()).unwrap_err().contains("is not a state of eci-sim"), "{text}");
        }
        let problem = parse(&line(&json!({"format": FORMAT, "version": 2}))).unwrap_err();
        assert!(problem.contains("version 2") && problem.contains("name another folder"), "{problem}");
    }
}
