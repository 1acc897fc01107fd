using System.Runtime.InteropServices;

namespace Vitrine.Cpu.Translation;

/// <summary>Anonymous files of the host that are mapped at several addresses (memfd_create(2), mmap(2)).</summary>
internal static unsafe partial class HostMapping
{
    [Flags]
    public enum Protection
    {
        Read = 1,
        Write = 2,
        Execute = 4,
    }

    private const int MapShared = 1;
    private const int MapPrivate = 2;
    private const int MapFixed = 0x10;
    private const int MapAnonymous = 0x20;
    private const int MapNoReserve = 0x4000;
    private const uint CloseOnExec = 1;

    /// <summary>An anonymous file of zeros, committed as it is written; -1 if the host has none.</summary>
    public static int CreateFile(string name, nuint size)
    {
        int file = CreateAnonymous(name, CloseOnExec);
        if (file >= 0 && Truncate(file, (nint)size) != 0)
        {
            _ = CloseFile(file);
            return -1;
        }

        return file;
    }

    public static void Close(int file)
    {
        if (file >= 0)
            _ = CloseFile(file);
    }

    /// <summary>Maps a file from its start, at an address or (null) anywhere; null if that can't be.</summary>
    public static byte* MapFile(int file, void* address, nuint size, Protection protection)
    {
        nint mapped = Map((nint)address, size, (int)protection, MapShared | (address == null ? 0 : MapFixed), file, 0);
        return mapped == -1 ? null : (byte*)mapped;
    }

    /// <summary>Zeroed memory, committed as it is written.</summary>
    /// <exception cref="InsufficientMemoryException">The host gives none.</exception>
    public static byte* Reserve(nuint size)
    {
        nint mapped = Map(0, size, (int)(Protection.Read | Protection.Write), MapPrivate | MapAnonymous | MapNoReserve, -1, 0);
        return mapped == -1 ? throw new InsufficientMemoryException("The host has no address space for a processor's tables.") : (byte*)mapped;
    }

    public static void Release(byte* address, nuint size)
    {
        if (address != null)
            _ = Unmap((nint)address, size);
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int CreateAnonymous(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate")]
    private static partial int Truncate(int descriptor, nint length);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int CloseFile(int descriptor);
}
