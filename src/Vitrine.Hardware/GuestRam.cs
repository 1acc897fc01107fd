using System.Runtime.InteropServices;
using Vitrine.Abi;
using Vitrine.Cpu;

namespace Vitrine.Hardware;

/// <summary>
/// Guest RAM in one reserved region of host memory, committed by the host as it is touched. On Linux it is a memfd, so
/// that it can be mapped a second time (host windows, snapshots, forks); elsewhere plain zeroed memory.
/// </summary>
[HostBoundary("owns host memory")]
internal sealed unsafe partial class GuestRam : IRamDevice, IDisposable
{
    private const int ProtRead = 1;
    private const int ProtWrite = 2;
    private const int MapShared = 1;
    private const int MapNoReserve = 0x4000;
    private const int MadvRemove = 9;
    private const uint MfdCloexec = 1;
    private const int FallocKeepSize = 1;
    private const int FallocPunchHole = 2;

    private readonly Lock _lock = new();
    private readonly int _descriptor;
    private byte* _base;

    private GuestRam(byte* @base, ulong length, int descriptor)
    {
        _base = @base;
        _descriptor = descriptor;
        Memory = new GuestMemory(@base, length);
    }

    public GuestMemory Memory { get; }

    /// <summary>The memfd that holds the RAM, or −1 where the host has none.</summary>
    public int Descriptor => _descriptor;

    /// <summary>Reserves RAM. The length is rounded up to 2 MiB.</summary>
    /// <exception cref="OutOfMemoryException">The host refuses the address space.</exception>
    public static GuestRam Create(ulong length)
    {
        length = (length + Page.HugeSize - 1) & ~(Page.HugeSize - 1);
        if (!OperatingSystem.IsLinux())
        {
            // SAFETY: freed once, in Dispose; calloc of this size is committed lazily by the hosts' allocators.
            byte* plain = (byte*)NativeMemory.AlignedAlloc((nuint)length, (nuint)Page.HugeSize);
            NativeMemory.Clear(plain, (nuint)length);
            return new GuestRam(plain, length, -1);
        }

        int descriptor = MemfdCreate("vitrine-ram", MfdCloexec);
        if (descriptor < 0)
            throw new OutOfMemoryException($"memfd_create failed: errno {Marshal.GetLastPInvokeError()}");
        if (Ftruncate(descriptor, (long)length) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            _ = Close(descriptor);
            throw new OutOfMemoryException($"guest RAM of {length >> 20} MiB was refused by the host: errno {error}");
        }

        void* mapped = Mmap(null, (nuint)length, ProtRead | ProtWrite, MapShared | MapNoReserve, descriptor, 0);
        if (mapped == (void*)-1)
        {
            int error = Marshal.GetLastPInvokeError();
            _ = Close(descriptor);
            throw new OutOfMemoryException($"guest RAM of {length >> 20} MiB was refused by the host: errno {error}");
        }

        return new GuestRam((byte*)mapped, length, descriptor);
    }

    public void Discard(ulong offset, ulong length)
    {
        // A pool thread may come here after the machine has ended.
        lock (_lock)
        {
            if (_base is not null)
                DiscardLocked(offset, length);
        }
    }

    public void Dispose()
    {
        lock (_lock)
            Unmap();
    }

    private void DiscardLocked(ulong offset, ulong length)
    {
        if (_descriptor >= 0 && Fallocate(_descriptor, FallocKeepSize | FallocPunchHole, (long)offset, (long)length) == 0)
            return;

        // SAFETY: the range is inside the region and unused, as the contract says.
        if (_descriptor < 0 || Madvise(_base + offset, (nuint)length, MadvRemove) != 0)
            NativeMemory.Clear(_base + offset, (nuint)length);
    }

    private void Unmap()
    {
        if (_base is null)
            return;
        if (_descriptor >= 0)
        {
            _ = Munmap(_base, (nuint)Memory.Length);
            _ = Close(_descriptor);
        }
        else
        {
            NativeMemory.AlignedFree(_base);
        }

        _base = null;
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MemfdCreate(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int Ftruncate(int descriptor, long length);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial void* Mmap(void* address, nuint length, int protection, int flags, int descriptor, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int Munmap(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    private static partial int Madvise(void* address, nuint length, int advice);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int Fallocate(int descriptor, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
