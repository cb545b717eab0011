//! A virtual machine: QEMU with Debian's kernel, an initramfs of our own, and an ivshmem device on a socket of pvgpud's.
//!
//! The kernel's package is fetched and unpacked into `target/vm`, and nothing of it is installed. QEMU emulates the processor, so that
//! this works in any machine.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::source_package::{add_lists, apt_get, files};
use crate::{Error, Result, packages, paths, process, progress};

/// The emulator.
const QEMU: &str = "qemu-system-x86_64";
/// Debian's package that depends on the current kernel's.
const KERNEL: &str = "linux-image-amd64";
/// The modules that the program needs, without what they need themselves.
const MODULES: [&str; 2] = ["vfio_iommu_type1", "vfio_pci"];

/// Where they are, and what they need.
const MODULE_FOLDERS: [&str; 2] = ["drivers/vfio", "virt"];

/// Whether there is an emulator; an error says how to get one.
///
/// # Errors
/// [`Error::Missing`] where none is installed and one could be.
pub fn is_there() -> Result<bool> {
    if process::works(Command::new(QEMU).arg("--version")) {
        return Ok(true);
    }
    match packages::has_virtual_machine() {
        true => Err(Error::Missing(format!("there is no {QEMU}; `cargo xtask setup` installs it"))),
        false => Ok(false),
    }
}

/// A kernel with its modules.
#[derive(Debug)]
pub struct Kernel {
    image: PathBuf,
    modules: PathBuf,
}

impl Kernel {
    /// Fetches and unpacks Debian's kernel unless it is there.
    ///
    /// # Errors
    /// If the package cannot be had.
    pub fn ensure() -> Result<Self> {
        let unpacked = paths::target("vm/kernel");
        if !unpacked.exists() {
            progress::step("Fetching a kernel for the virtual machine", || fetch(&unpacked))?;
        }
        let only = |folder: PathBuf| -> Result<PathBuf> {
            let entries = fs::read_dir(&folder).map_err(Error::io("read", &folder))?;
            let first = entries.flatten().map(|entry| entry.path()).next();
            first.ok_or_else(|| Error::Failed(format!("{} is empty", folder.display())))
        };
        let boot = files(&unpacked.join("boot"))?;
        let is_image = |file: &PathBuf| file.to_string_lossy().contains("/vmlinuz-");
        let image = boot.into_iter().find(is_image);
        let image = image.ok_or_else(|| Error::Failed("the kernel's package has no kernel".to_owned()))?;
        Ok(Self { image, modules: only(unpacked.join("lib/modules"))?.join("kernel") })
    }

    /// The files of [`MODULES`] and of what they need, in the order in which they can be loaded.
    fn modules(&self) -> Result<Vec<PathBuf>> {
        let mut all = Vec::new();
        let mut folders: Vec<PathBuf> = MODULE_FOLDERS.map(|folder| self.modules.join(folder)).into();
        while let Some(folder) = folders.pop() {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for path in entries.flatten().map(|entry| entry.path()) {
                if path.is_dir() { folders.push(path) } else { all.push(path) }
            }
        }
        let mut order = Vec::new();
        for module in MODULES {
            add_module(module, &all, &mut order)?;
        }
        Ok(order)
    }
}

/// Fetches and unpacks the kernel's package.
fn fetch(unpacked: &Path) -> Result<()> {
    let apt = paths::target("vm/apt");
    let download = apt.join("download");
    for part in ["lists/partial", "cache/archives/partial", "sources", "download"] {
        let part = apt.join(part);
        fs::create_dir_all(&part).map_err(Error::io("make", &part))?;
    }
    add_lists(&apt.join("sources"), |extension, text| {
        matches!(extension, "list" | "sources").then(|| text.to_owned())
    })?;
    process::run_quietly(apt_get(&apt).arg("update"))?;
    // What would be installed names the package with the kernel itself.
    let plan = process::run_quietly(apt_get(&apt).args([
        "--simulate",
        "--no-install-recommends",
        "--reinstall",
        "install",
        KERNEL,
    ]))?;
    let name = image_package(&plan)
        .ok_or_else(|| Error::Failed(format!("{KERNEL} names no package with a kernel:\n{plan}")))?;
    process::run_quietly(apt_get(&apt).args(["download", name]).current_dir(&download))?;
    let fresh = unpacked.with_extension("new");
    fs::create_dir_all(&fresh).map_err(Error::io("make", &fresh))?;
    for package in files(&download)? {
        process::run_quietly(Command::new("dpkg-deb").arg("--extract").arg(package).arg(&fresh))?;
    }
    fs::rename(&fresh, unpacked).map_err(Error::io("name", unpacked))
}

/// The package with the kernel in apt's plan: `Inst linux-image-6.1.0-57-amd64 (6.1.192-3 …)`.
fn image_package(plan: &str) -> Option<&str> {
    let names = plan.lines().filter_map(|line| line.strip_prefix("Inst ")?.split_whitespace().next());
    names.filter(|name| *name != KERNEL).find(|name| name.starts_with("linux-image-"))
}

/// Adds a module's file to a list, behind those that it needs.
fn add_module(name: &str, all: &[PathBuf], order: &mut Vec<PathBuf>) -> Result<()> {
    let named = |path: &&PathBuf| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().replace('-', "_");
        stem == name && path.extension().is_some_and(|extension| extension == "ko")
    };
    // What is not there is built into the kernel, or QEMU's console will tell.
    let Some(path) = all.iter().find(named) else { return Ok(()) };
    if order.contains(path) {
        return Ok(());
    }
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    for needed in depends(&bytes) {
        add_module(&needed, all, order)?;
    }
    order.push(path.clone());
    Ok(())
}

/// What a module's file says that it needs: `depends=a,b` among its strings.
fn depends(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(found) = module.windows(KEY.len()).position(|window| window == KEY) else { return Vec::new() };
    let value = module.get(found + KEY.len()..).unwrap_or_default();
    let value = value.split(|byte| *byte == 0).next().unwrap_or_default();
    let names = String::from_utf8_lossy(value).replace('-', "_");
    names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Makes an initramfs of the program, which becomes the first process, the libraries that it is linked to, the modules, and further
/// files under their own names.
///
/// # Errors
/// If a file cannot be read or written, or `ldd` or `strip` fails.
pub fn initramfs(kernel: &Kernel, program: &Path, more: &[(&str, &Path)]) -> Result<PathBuf> {
    let folder = paths::target("vm");
    let (stripped, archive) = (folder.join("init"), folder.join("initramfs.cpio"));
    // Most of a program is what debuggers want.
    process::run_quietly(Command::new("strip").arg("-o").arg(&stripped).arg(program))?;
    let mut cpio = Cpio::default();
    cpio.add_file("init", &stripped)?;
    let libraries = process::run_quietly(Command::new("ldd").arg(program))?;
    for library in libraries.split_whitespace().filter(|word| word.starts_with('/')) {
        cpio.add_file(library.trim_start_matches('/'), Path::new(library))?;
    }
    let mut order = String::new();
    for module in kernel.modules()? {
        let name = module.file_name().unwrap_or_default().to_string_lossy().into_owned();
        cpio.add_file(&format!("modules/{name}"), &module)?;
        order += &(name + "\n");
    }
    cpio.add("modules/order", 0o100_644, order.as_bytes());
    for (name, path) in more {
        cpio.add_file(name, path)?;
    }
    for folder in ["proc", "sys", "dev", "tmp"] {
        cpio.add(folder, 0o040_755, &[]);
    }
    fs::write(&archive, cpio.end()).map_err(Error::io("write", &archive))?;
    Ok(archive)
}

/// An archive in the format that the kernel unpacks ("newc").
#[derive(Default)]
struct Cpio {
    bytes: Vec<u8>,
    entries: u32,
    folders: Vec<String>,
}

impl Cpio {
    fn add_file(&mut self, name: &str, path: &Path) -> Result<()> {
        let bytes = fs::read(path).map_err(Error::io("read", path))?;
        self.add(name, 0o100_755, &bytes);
        Ok(())
    }

    /// Adds a file or a folder, and the folders that it lies in.
    fn add(&mut self, name: &str, mode: u32, content: &[u8]) {
        for (end, _) in name.match_indices('/') {
            let folder = name[..end].to_owned();
            if !self.folders.contains(&folder) {
                self.folders.push(folder.clone());
                self.entry(&folder, 0o040_755, &[]);
            }
        }
        self.entry(name, mode, content);
    }

    fn entry(&mut self, name: &str, mode: u32, content: &[u8]) {
        self.entries += 1;
        let (size, name_size) = (content.len(), name.len() + 1);
        // Number, mode, owner, group, links, time, size, four device numbers, the name's size, no checksum.
        let mut header =
            format!("070701{:08x}{mode:08x}{:08x}{:08x}{:08x}{:08x}{size:08x}", self.entries, 0, 0, 1, 0);
        header += &"00000000".repeat(4);
        header += &format!("{name_size:08x}00000000");
        self.bytes.extend_from_slice(header.as_bytes());
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn end(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.bytes
    }
}

/// A running virtual machine; it ends with this value.
#[derive(Debug)]
pub struct Machine {
    child: Child,
    console: Receiver<String>,
    log: PathBuf,
}

impl Machine {
    /// Starts a machine whose ivshmem device gets its memory from `socket`. The first process is `init` of the archive, with the
    /// environment of `variables`. What the console shows is written to `target/logs/NAME.log` too.
    ///
    /// # Errors
    /// If QEMU cannot be started.
    pub fn start(
        name: &str,
        kernel: &Kernel,
        initramfs: &Path,
        socket: &Path,
        variables: &[(&str, &str)],
    ) -> Result<Self> {
        let logs = paths::target("logs");
        fs::create_dir_all(&logs).map_err(Error::io("make", &logs))?;
        let log = logs.join(format!("{name}.log"));
        let file = File::create(&log).map_err(Error::io("write", &log))?;
        let errors = file.try_clone().map_err(Error::io("write", &log))?;
        // The kernel gives unknown words with an equals sign to the first process. A BAR that shares its page with another cannot be
        // mapped.
        let mut options =
            "console=ttyS0 quiet intel_iommu=on pci=resource_alignment=12@pci:1af4:1110".to_owned();
        for (variable, value) in variables {
            options += &format!(" {variable}={value}");
        }
        let mut command = Command::new(QEMU);
        command
            .args(["-accel", "tcg", "-machine", "q35,kernel-irqchip=split", "-m", "512", "-smp", "2"])
            .args(["-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio"])
            .args(["-device", "intel-iommu,intremap=on"])
            .arg("-chardev")
            .arg(format!("socket,id=pvgpu,path={}", socket.display()))
            .args(["-device", "ivshmem-doorbell,chardev=pvgpu,vectors=1"])
            .arg("-kernel")
            .arg(&kernel.image)
            .arg("-initrd")
            .arg(initramfs)
            .args(["-append", &options])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors);
        let mut child = process::spawn(&mut command)?;
        let (sender, console) = channel();
        if let Some(output) = child.stdout.take() {
            thread::spawn(move || copy_console(output, file, |line| drop(sender.send(line))));
        }
        Ok(Self { child, console, log })
    }

    /// The next line of the console; None when the machine is off, or after `limit`.
    pub fn line(&self, limit: Duration) -> Option<String> {
        self.console.recv_timeout(limit).ok()
    }

    /// Waits until the machine is off; false after `limit`.
    ///
    /// # Errors
    /// If the system cannot tell about QEMU.
    pub fn wait(&mut self, limit: Duration) -> Result<bool> {
        let start = Instant::now();
        while start.elapsed() < limit {
            if process::wait(&mut self.child, Some(Duration::from_millis(100)), || {})?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Where the console's text is.
    pub fn log(&self) -> &Path {
        &self.log
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        process::end(&mut self.child);
    }
}

/// Writes the console's text to a file and gives it line by line.
fn copy_console(output: ChildStdout, mut file: File, mut line: impl FnMut(String)) {
    let mut reader = BufReader::new(output);
    let mut bytes = Vec::new();
    // A machine that never ends a line must not fill this one's memory.
    while (&mut reader).take(1 << 16).read_until(b'\n', &mut bytes).is_ok_and(|count| count != 0) {
        // The file is for people; the lines count.
        let _written = file.write_all(&bytes);
        line(String::from_utf8_lossy(&bytes).trim_end().to_owned());
        bytes.clear();
    }
}

/// The program for the machine, as [`crate::toolchain::build_vm`] builds it.
pub fn program() -> PathBuf {
    paths::target("debug/pvgpu-vm")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_names_the_kernel() {
        let plan = "Inst initramfs-tools (0.142)\nInst linux-image-6.1.0-57-amd64 (6.1.192-3 Debian)\n\
                    Inst linux-image-amd64 (6.1.192-3 Debian)\nConf linux-image-amd64\n";
        assert_eq!(image_package(plan), Some("linux-image-6.1.0-57-amd64"));
        assert_eq!(image_package("Inst linux-image-amd64 (1)\n"), None);
    }

    #[test]
    fn modules_say_what_they_need() {
        let module = b"\x7fELF\0license=GPL\0depends=vfio,vfio-virqfd,irqbypass\0retpoline=Y\0";
        assert_eq!(depends(module), ["vfio", "vfio_virqfd", "irqbypass"]);
        assert!(depends(b"\0depends=\0").is_empty() && depends(b"nothing").is_empty());
    }

    #[test]
    fn an_archive_is_one_that_the_kernel_unpacks() {
        let mut cpio = Cpio::default();
        cpio.add("a/b", 0o100_755, b"hello");
        cpio.add("a/c", 0o100_644, b"");
        let bytes = cpio.end();
        assert!(bytes.len().is_multiple_of(4));
        let text = String::from_utf8_lossy(&bytes);
        let at = |name: &str| text.find(&format!("{name}\0")).expect("an entry");
        assert!(at("a") < at("a/b") && at("a/b") < at("a/c") && at("a/c") < at("TRAILER!!!"));
        assert_eq!(text.matches("070701").count(), 4);
        // The header of the first file: mode, then, five fields on, the size.
        let header = &text[at("a/b") - 110..at("a/b")];
        assert_eq!(
            (&header[14..22], &header[54..62], &header[94..102]),
            ("000081ed", "00000005", "00000004")
        );
    }
}
