using Vitrine.Fs.Host.Native;

namespace Vitrine.Fs.Host;

/// <summary>A device of the host that files below a root come from, and how the guest sees it.</summary>
internal sealed class HostDevice(ulong hostDevice, DeviceNumber guestDevice, long magic)
{
    public const long ProcMagic = 0x9fa0;

    /// <summary>Major and minor as in <see cref="HostFileId.Device"/>.</summary>
    public ulong Id { get; } = hostDevice;

    /// <summary>st_dev in the guest: each device of the host has one of its own, so that inode numbers stay true.</summary>
    public DeviceNumber GuestDevice { get; } = guestDevice;

    /// <summary>f_type of statfs(2).</summary>
    public long Magic { get; } = magic;

    /// <summary>
    /// The kernel's own file systems: they show or control the host itself and are never visible.
    /// </summary>
    public bool IsForbidden { get; } = IsKernelFileSystem(magic);

    /// <summary>Calls may take long (network, user space): they are made off the kernel lock.</summary>
    public bool IsSlow { get; } = IsSlowFileSystem(magic);

    /// <summary>Reads can be asked to give up rather than wait for the disk (RWF_NOWAIT); until one says that they can't.</summary>
    public bool CanReadWithoutWaiting { get; set; } = true;

    private static bool IsKernelFileSystem(long magic) => magic switch
    {
        ProcMagic => true,
        0x62656572 => true, // sysfs
        0x1cd1 => true, // devpts
        0x27e0eb or 0x63677270 => true, // cgroup, cgroup2
        0x64626720 or 0x74726163 => true, // debugfs, tracefs
        0x73636673 or 0xf97cff8c => true, // securityfs, selinuxfs
        0x62656570 or 0xcafe4a11 => true, // configfs, bpf
        0xde5e81e4 or 0x19800202 => true, // efivarfs, mqueue
        0x6165676c or 0x42494e4d => true, // pstore, binfmt_misc
        0x6e736673 or 0x50495045 or 0x534f434b => true, // nsfs, pipefs, sockfs
        0x958458f6 or 0x7655821 => true, // hugetlbfs, resctrl
        0x67596969 or 0x6e667364 => true, // rpc_pipefs, nfsd
        _ => false,
    };

    private static bool IsSlowFileSystem(long magic) => magic switch
    {
        0x6969 => true, // nfs
        0xff534d42 or 0xfe534d42 or 0x517b => true, // cifs, smb2, smb
        0x65735546 => true, // fuse, virtiofs
        0x01021997 => true, // 9p
        0x00c36400 => true, // ceph
        0x5346414f or 0x6b414653 or 0x73757245 => true, // afs, kafs, coda
        0x0bd00bd0 or 0x01161970 or 0x7461636f => true, // lustre, gfs2, ocfs2
        _ => false,
    };
}
