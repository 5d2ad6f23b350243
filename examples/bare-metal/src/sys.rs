//! Environment of a device without an operating system: entry point, input, output, and memory.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use core::panic::PanicInfo;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicUsize, Ordering};

global_asm!(".globl _start", "_start:", "and rsp, -16", "call {entry}", "ud2", entry = sym entry);

extern "C" fn entry() -> ! {
    crate::main();
    exit(0)
}

/// Reads available bytes from the input; 0 at its end.
pub fn read(buffer: &mut [u8]) -> usize {
    // SAFETY: the kernel writes at most `len` bytes to the buffer.
    let length = unsafe { syscall(0, 0, buffer.as_mut_ptr() as usize, buffer.len()) };
    usize::try_from(length).unwrap_or(0)
}

/// Writes to the output.
pub fn write(text: &str) {
    // SAFETY: the kernel reads `len` bytes of the text.
    unsafe { syscall(1, 1, text.as_ptr() as usize, text.len()) };
}

fn exit(status: usize) -> ! {
    // SAFETY: it takes no pointer.
    unsafe { syscall(60, status, 0, 0) };
    loop {}
}

/// A system call of x86-64 Linux.
unsafe fn syscall(number: usize, a: usize, b: usize, c: usize) -> isize {
    let result;
    // SAFETY: the caller answers for the pointers; the kernel clobbers `rcx` and `r11` alone.
    unsafe {
        asm!("syscall", inlateout("rax") number as isize => result, in("rdi") a, in("rsi") b, in("rdx") c,
             out("rcx") _, out("r11") _, options(nostack));
    }
    result
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    write("panicked\n");
    exit(101)
}

const SIZE: usize = 16 << 10;

/// Memory that is never freed: the client grows a buffer or two, and keeps them.
struct Arena {
    memory: UnsafeCell<[u8; SIZE]>,
    used: AtomicUsize,
}

#[global_allocator]
static ARENA: Arena = Arena { memory: UnsafeCell::new([0; SIZE]), used: AtomicUsize::new(0) };

// SAFETY: the memory is handed out in pieces that do not overlap, by an atomic counter.
unsafe impl Sync for Arena {}

// SAFETY: every piece is aligned, within the memory, and handed out once.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let memory = self.memory.get().cast::<u8>();
        let start = |used: usize| (memory as usize + used).next_multiple_of(layout.align()) - memory as usize;
        let end = |used| start(used).checked_add(layout.size()).filter(|end| *end <= SIZE);
        match self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, end) {
            // SAFETY: it starts within the memory, because it ends there.
            Ok(used) => unsafe { memory.add(start(used)) },
            Err(_) => null_mut(),
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

// What `core` and `alloc` call by name, and a C runtime would have.

/// Needed by the prebuilt `alloc`, whose functions could unwind; here panics abort.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    // SAFETY: the caller's: both are `length` bytes. (A plain loop would be compiled to a call of
    // `memcpy`.)
    unsafe {
        asm!("rep movsb", inout("rcx") length => _, inout("rdi") to => _, inout("rsi") from => _, options(nostack))
    };
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    if (to as usize).wrapping_sub(from as usize) >= length {
        // SAFETY: the caller's, and a copy upwards overwrites nothing that it has yet to read.
        return unsafe { memcpy(to, from, length) };
    }
    for index in (0..length).rev() {
        // SAFETY: the caller's: both are `length` bytes.
        unsafe { to.add(index).write_volatile(from.add(index).read_volatile()) };
    }
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, length: usize) -> *mut u8 {
    // SAFETY: the caller's: `to` is `length` bytes.
    unsafe {
        asm!("rep stosb", inout("rcx") length => _, inout("rdi") to => _, in("al") byte as u8, options(nostack))
    };
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, length: usize) -> i32 {
    for index in 0..length {
        // SAFETY: the caller's: both are `length` bytes.
        let (a, b) = unsafe { (a.add(index).read_volatile(), b.add(index).read_volatile()) };
        if a != b {
            return i32::from(a) - i32::from(b);
        }
    }
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, length: usize) -> i32 {
    // SAFETY: the caller's.
    unsafe { memcmp(a, b, length) }
}
