using Vitrine.Kernel.Cgroups;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Mm;

/// <summary>
/// An address space (mm_struct's twin): VMAs over genuine page tables in guest RAM. Counted explicitly: tasks that
/// share it and kernel users each hold a reference; the last one frees VMAs, frames and tables.
/// </summary>
/// <remarks>
/// No lock is held across awaits: every change of mappings and tables is one atomic section under the kernel lock.
/// What waits in between (a fault on a page that must be read, for memory) looks everything up again afterwards.
/// </remarks>
internal sealed partial class MmStruct
{
    /// <summary>What one is charged to kernel memory.</summary>
    public const int DeclaredSize = 1408;

    /// <summary>The end of user addresses (TASK_SIZE of 4-level paging).</summary>
    public const ulong TaskSize = Pte.UserEnd;

    /// <summary>Kept free below a stack: 256 pages (stack_guard_gap).</summary>
    public const ulong StackGuardGap = 256UL << Page.Shift;

    /// <summary>vm.mmap_min_addr: nothing is mapped below it without CAP_SYS_RAWIO.</summary>
    public const ulong MinimumAddress = 65536;

    /// <summary>vm.max_map_count at the start.</summary>
    public const int DefaultMaximumAreas = 65530;

    private int _users = 1;

    private MmStruct(KernelInstance kernel, Cgroup cgroup, PageFrameNumber root)
    {
        Kernel = kernel;
        Cgroup = cgroup;
        PageTableRoot = root.Address;
        MmapBase = new VirtAddr(TaskSize);
    }

    public KernelInstance Kernel { get; }

    /// <summary>Who pays for its tables and descriptions.</summary>
    public Cgroup Cgroup { get; }

    /// <summary>The physical address of the PML4: CR3.</summary>
    public PhysAddr PageTableRoot { get; private set; }

    /// <summary>Mappings in order of address.</summary>
    public VmAreaSet Areas { get; } = new();

    /// <summary>Tasks and calls in progress that use it (mm_users).</summary>
    public int Users => _users;

    /// <summary>Mappings are placed downwards from here.</summary>
    public VirtAddr MmapBase { get; set; }

    public VirtAddr StartCode { get; set; }

    public VirtAddr EndCode { get; set; }

    public VirtAddr StartData { get; set; }

    public VirtAddr EndData { get; set; }

    public VirtAddr StartBrk { get; set; }

    public VirtAddr Brk { get; set; }

    public VirtAddr StartStack { get; set; }

    public VirtAddr ArgStart { get; set; }

    public VirtAddr ArgEnd { get; set; }

    public VirtAddr EnvStart { get; set; }

    public VirtAddr EnvEnd { get; set; }

    public VirtAddr VdsoBase { get; set; }

    /// <summary>The end of the stack's mapping as exec made it.</summary>
    public VirtAddr StackTop { get; private set; }

    /// <summary>The auxiliary vector as put on the stack, for /proc/PID/auxv.</summary>
    public ulong[] SavedAuxv { get; set; } = [];

    /// <summary>The program; counted (the reference is the mm's).</summary>
    public OpenFile? ExeFile { get; set; }

    /// <summary>Whether core dumps and ptrace are allowed (PR_SET_DUMPABLE: 0, 1 or 2).</summary>
    public int Dumpable { get; set; } = 1;

    /// <summary>What goes into a core file; children and new programs take it over.</summary>
    public CoreFilter CoreFilter { get; set; } = CoreFilter.Default;

    /// <summary>Flags that new mappings get from mlockall(MCL_FUTURE).</summary>
    public VmFlags DefaultFlags { get; set; }

    private PhysicalMemory Memory => Kernel.Memory;

    /// <summary>Makes an empty address space with one user. ENOMEM.</summary>
    public static Result<MmStruct> Create(KernelInstance kernel, Cgroup cgroup)
    {
        if (cgroup.ChargeKernelMemory(DeclaredSize) != Errno.Success)
            return Errno.ENOMEM;
        PageFrameNumber root = kernel.Memory.TryAllocate(FrameRequest.PageTable, cgroup);
        if (root.IsNone)
        {
            cgroup.UnchargeKernelMemory(DeclaredSize);
            return Errno.ENOMEM;
        }

        kernel.Memory.LiveAddressSpaces++;
        return new MmStruct(kernel, cgroup, root) { Statistics = { TableFrames = 1 } };
    }

    public MmStruct Get()
    {
        _users++;
        return this;
    }

    /// <summary>Drops a user; the last one unmaps everything and frees the tables.</summary>
    public void Put()
    {
        if (--_users > 0)
            return;
        if (_users < 0)
            throw new InvalidOperationException("an address space was put more often than it was taken");
        DestroyAioContexts();
        TearDown();
        ExeFile?.Put();
        ExeFile = null;
        Cgroup.UnchargeKernelMemory(DeclaredSize);
        Memory.LiveAddressSpaces--;
    }

    /// <summary>True if [address, address + length) lies in user space.</summary>
    public static bool IsUserRange(VirtAddr address, ulong length) =>
        address.Value <= TaskSize && length <= TaskSize - address.Value;
}
