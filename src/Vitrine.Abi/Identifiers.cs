namespace Vitrine.Abi;

/// <summary>A file descriptor as user code passes it: any 32-bit value; validity is the table's matter.</summary>
internal readonly record struct Fd(int Value)
{
    /// <summary>AT_FDCWD: the current directory in the *at calls.</summary>
    public static Fd Cwd => new(-100);

    public static implicit operator SyscallResult(Fd fd) => new(fd.Value);
}

/// <summary>A process, thread, group or session number in one pid namespace. 0 is none.</summary>
internal readonly record struct Pid(int Value)
{
    public static implicit operator SyscallResult(Pid pid) => new(pid.Value);
}

/// <summary>A kernel user id (of the initial user namespace).</summary>
internal readonly record struct Uid(uint Value)
{
    public static Uid Root => default;

    /// <summary>What an id with no mapping shows as (overflowuid).</summary>
    public static Uid Overflow => new(65534);

    /// <summary>(uid_t)-1: "leave unchanged" in the set*id calls.</summary>
    public static Uid Unchanged => new(uint.MaxValue);
}

/// <summary>A kernel group id (of the initial user namespace).</summary>
internal readonly record struct Gid(uint Value)
{
    public static Gid Root => default;

    public static Gid Overflow => new(65534);

    public static Gid Unchanged => new(uint.MaxValue);
}

/// <summary>An inode number, 64 bits everywhere.</summary>
internal readonly record struct InodeNumber(ulong Value);

/// <summary>A device number in the kernel's split form; <see cref="Encode"/> is the user's 64-bit dev_t.</summary>
internal readonly record struct DeviceNumber(uint Major, uint Minor)
{
    /// <summary>glibc's and the kernel's "huge" encoding, as in struct stat.</summary>
    public ulong Encode() =>
        (Minor & 0xff) | ((ulong)(Major & 0xfff) << 8) | ((ulong)(Minor & ~0xffu) << 12) | ((ulong)(Major & ~0xfffu) << 32);

    public static DeviceNumber Decode(ulong dev) =>
        new((uint)(((dev >> 8) & 0xfff) | ((dev >> 32) & 0xfffff000)), (uint)((dev & 0xff) | ((dev >> 12) & 0xffffff00)));
}

/// <summary>A typed user-space pointer. It cannot be dereferenced: only the task's user-memory calls take it.</summary>
internal readonly record struct UserPtr<T>(VirtAddr Address)
    where T : unmanaged
{
    public bool IsNull => Address.Value == 0;

    public unsafe UserPtr<T> Element(long index) => new(new VirtAddr(Address.Value + (ulong)(index * sizeof(T))));

    public UserPtr<TOther> Cast<TOther>()
        where TOther : unmanaged => new(Address);
}
