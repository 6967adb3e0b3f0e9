// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Loop devices that the kernel frees with their last user, from the moment that they exist.
//!
//! `losetup` first makes a device that stays and only then can it be marked to go: a process that is killed in between
//! leaves it. `LOOP_CONFIGURE` (Linux 5.8; `linux/loop.h`, loop(4)) does both at once.

use std::ffi::c_void;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, Setter, ioctl};

/// `LOOP_CTL_GET_FREE` and `LOOP_CONFIGURE`.
const GET_FREE: Opcode = 0x4C82;
const CONFIGURE: Opcode = 0x4C0A;
/// `LO_FLAGS_AUTOCLEAR` and `LO_FLAGS_DIRECT_IO`; without the means for the latter the kernel does without it.
const FLAGS: u32 = 4 | 16;
/// How often another process may be faster.
const ATTEMPTS: u32 = 64;

/// `struct loop_info64`.
#[repr(C)]
struct Info {
    device: u64,
    inode: u64,
    rdevice: u64,
    offset: u64,
    sizelimit: u64,
    number: u32,
    encrypt_type: u32,
    encrypt_key_size: u32,
    flags: u32,
    file_name: [u8; 64],
    crypt_name: [u8; 64],
    encrypt_key: [u8; 32],
    init: [u64; 2],
}

/// `struct loop_config`.
#[repr(C)]
struct Config {
    fd: u32,
    block_size: u32,
    info: Info,
    reserved: [u64; 8],
}

/// Makes a loop device of `size` bytes from byte `offset` of a file; the handle keeps it.
pub(super) fn attach(file: &Path, offset: u64, size: u64) -> io::Result<(PathBuf, File)> {
    let open = |path: &Path| OpenOptions::new().read(true).write(true).open(path);
    let (backing, control) = (open(file)?, open(Path::new("/dev/loop-control"))?);
    let mut attempt = 0;
    loop {
        attempt += 1;
        let path = PathBuf::from(format!("/dev/loop{}", free(&control)?));
        let device = open(&path)?;
        match configure(&device, config(file, &backing, (offset, size))) {
            Err(Errno::BUSY) if attempt < ATTEMPTS => {}
            done => return done.map(|()| (path, device)).map_err(Into::into),
        }
    }
}

fn config(file: &Path, backing: &File, (offset, sizelimit): (u64, u64)) -> Config {
    // Only for people who list loop devices; it ends with a zero.
    let mut file_name = [0; 64];
    let name = file.as_os_str().as_encoded_bytes();
    for (to, from) in file_name[..63].iter_mut().zip(name) {
        *to = *from;
    }
    Config {
        fd: backing.as_raw_fd().cast_unsigned(),
        block_size: 0,
        info: Info {
            device: 0,
            inode: 0,
            rdevice: 0,
            offset,
            sizelimit,
            number: 0,
            encrypt_type: 0,
            encrypt_key_size: 0,
            flags: FLAGS,
            file_name,
            crypt_name: [0; 64],
            encrypt_key: [0; 32],
            init: [0; 2],
        },
        reserved: [0; 8],
    }
}

#[allow(unsafe_code, reason = "ioctl(2) is only offered as unsafe")]
fn configure(device: &File, config: Config) -> Result<(), Errno> {
    // SAFETY: the kernel reads a `struct loop_config`, whose layout `Config` has, and keeps no pointer to it.
    unsafe { ioctl(device, Setter::<CONFIGURE, Config>::new(config)) }
}

/// The number of a device that nobody uses; it is made if there is none.
#[allow(unsafe_code, reason = "ioctl(2) is only offered as unsafe")]
fn free(control: &File) -> io::Result<i32> {
    // SAFETY: the request takes no argument.
    unsafe { ioctl(control, Free) }.map_err(Into::into)
}

/// A request whose answer is what the call returns.
struct Free;

// SAFETY: there is no argument that the kernel could read or write.
#[allow(unsafe_code, reason = "the trait is unsafe to implement")]
unsafe impl Ioctl for Free {
    type Output = i32;

    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        GET_FREE
    }

    fn as_ptr(&mut self) -> *mut c_void {
        std::ptr::null_mut()
    }

    unsafe fn output_from_ptr(answer: IoctlOutput, _: *mut c_void) -> rustix::io::Result<i32> {
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn the_structures_are_as_large_as_the_kernels() {
        assert_eq!(size_of::<Info>(), 232);
        assert_eq!(size_of::<Config>(), 304);
    }

    #[test]
    fn a_device_shows_its_part_of_the_file_and_goes_with_its_handle() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[1; 4096]).unwrap();
        file.write_all(&[2; 8192]).unwrap();
        let (path, mut device) = attach(file.path(), 4096, 4096).unwrap();
        let mut content = Vec::new();
        device.read_to_end(&mut content).unwrap();
        assert_eq!(content, [2; 4096]);
        let sys = Path::new("/sys/block").join(path.file_name().unwrap());
        assert!(sys.join("loop/backing_file").exists());
        drop(device);
        let deadline = Instant::now() + Duration::from_secs(30);
        let belongs = || {
            let backing = std::fs::read_to_string(sys.join("loop/backing_file"));
            backing.is_ok_and(|name| Path::new(name.trim_end()) == file.path())
        };
        while belongs() {
            assert!(Instant::now() < deadline, "the device stays");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
