//! The heap of a run over many nodes.

/// From how many bytes on a block is a mapping of its own, and how many free bytes at the end
/// of a thread's heap are given back: the values glibc starts with.
#[cfg(target_env = "gnu")]
const THRESHOLD: i32 = 128 << 10;

/// Makes large blocks go back to the system once they are freed.
///
/// Whatever a node's largest file takes, glibc would keep from then on for every thread: when
/// the first large block is freed it raises both thresholds of mallopt(3) to twice its size.
/// That is 1 MiB a node in flight; a value that is set stays.
#[cfg(target_env = "gnu")]
pub fn give_back_large_blocks() {
    for threshold in [libc::M_MMAP_THRESHOLD, libc::M_TRIM_THRESHOLD] {
        // SAFETY: it takes two numbers, and locks the allocator while it keeps them. Where it
        // refuses one, memory is kept as it was before.
        unsafe { libc::mallopt(threshold, THRESHOLD) };
    }
}

/// Other allocators give back large blocks by themselves.
#[cfg(not(target_env = "gnu"))]
pub fn give_back_large_blocks() {}
