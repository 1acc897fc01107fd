using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel;

/// <content>Tasks, users, and the namespaces that a machine starts with.</content>
internal sealed partial class KernelInstance
{
    private TaskRegistry? _tasks;
    private Net.Netlink.NetlinkTable? _netlink;
    private NamespaceSet? _initialNamespaces;

    /// <summary>All tasks, and the making of kernel threads.</summary>
    public TaskRegistry Tasks => _tasks ??= new TaskRegistry(this);

    /// <summary>Brings the machine to rest.</summary>
    public Sched.Freezer Freezer => field ??= new Sched.Freezer(this);

    /// <summary>What each user has in use.</summary>
    public UserAccounts Users { get; } = new();

    /// <summary>Netlink sockets, and who is told of processes' events.</summary>
    public Net.Netlink.NetlinkTable Netlink => _netlink ??= new Net.Netlink.NetlinkTable(this);

    /// <summary>Who is told of processes' events; null while nobody is.</summary>
    public Net.Netlink.ProcessConnector? ProcessListeners => _netlink is { Processes: { IsListenedTo: true } listeners } ? listeners : null;

    /// <summary>The futexes that tasks wait on.</summary>
    public Futexes.FutexTable Futexes { get; } = new();

    /// <summary>The slow correction of the wall clock.</summary>
    public Time.ClockSlew ClockSlew => field ??= new Time.ClockSlew(this);

    /// <summary>The shared object that every program gets.</summary>
    public Time.VirtualDso.Vdso Vdso => field ??= MakeVdso();

    /// <summary>The credentials of kernel threads: root with everything.</summary>
    public Credentials KernelCredentials => field ??= Credentials.ForUser(InitUserNamespace, Uid.Root, Gid.Root, []);

    /// <summary>The namespaces of process 1; the mount namespace is empty until the boot sequence mounts the root.</summary>
    public NamespaceSet InitialNamespaces
    {
        get => _initialNamespaces ??= new NamespaceSet(
            new UtsNamespace(InitUserNamespace, NextNamespaceInode()) { NodeName = Options.HostName },
            new IpcNamespace(InitUserNamespace, NextNamespaceInode()),
            new Vfs.MountNamespace(InitUserNamespace, NextNamespaceInode()),
            new PidNamespace(null, InitUserNamespace, NextNamespaceInode()),
            new NetNamespace(InitUserNamespace, NextNamespaceInode()),
            new CgroupNamespace(InitUserNamespace, NextNamespaceInode()),
            new TimeNamespace(InitUserNamespace, NextNamespaceInode()));
        set => _initialNamespaces = value;
    }

    private Time.VirtualDso.Vdso MakeVdso()
    {
        var vdso = new Time.VirtualDso.Vdso(this);
        Time.Changed = vdso.ClockChanged;
        return vdso;
    }
}

/// <content>Tasks in the leak audit.</content>
internal sealed partial class ResourceAudit
{
    /// <summary>Tasks that have not been released; kernel threads stay.</summary>
    public long LiveTasks { get; set; }
}
