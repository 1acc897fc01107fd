namespace Vitrine.Kernel.Cgroups;

/// <summary>
/// A control group. Charges go up the hierarchy and fail at the first limit that would be passed; every object that a
/// guest can create is charged here, so limits of a group and of the machine are one mechanism. Sizes in bytes.
/// </summary>
internal sealed class Cgroup(Cgroup? parent, string name)
{
    public Cgroup? Parent { get; } = parent;

    public string Name { get; } = name;

    /// <summary>pids.max and pids.current.</summary>
    public long PidsMaximum { get; set; } = long.MaxValue;

    public long PidsCurrent { get; private set; }

    /// <summary>Managed kernel memory: objects with a declared size.</summary>
    public long KernelMemoryMaximum { get; set; } = long.MaxValue;

    public long KernelMemory { get; private set; }

    /// <summary>Guest frames charged.</summary>
    public long FramesCharged { get; private set; }

    /// <summary>The number under which page descriptors remember the group; 0: it has never had a frame.</summary>
    internal ushort FrameOwnerNumber { get; set; }

    /// <summary>CPU time in nanoseconds.</summary>
    public long CpuTime { get; private set; }

    /// <summary>The group's path from the root: "/" for the root.</summary>
    public string Path => Parent is null ? "/" : Parent.Parent is null ? "/" + Name : Parent.Path + "/" + Name;

    /// <summary>Charges a task. EAGAIN at a limit, as fork gives it.</summary>
    public Errno ChargeTask()
    {
        for (Cgroup? group = this; group is not null; group = group.Parent)
        {
            if (group.PidsCurrent >= group.PidsMaximum)
                return Errno.EAGAIN;
        }

        for (Cgroup? group = this; group is not null; group = group.Parent)
            group.PidsCurrent++;
        return Errno.Success;
    }

    public void UnchargeTask()
    {
        for (Cgroup? group = this; group is not null; group = group.Parent)
            group.PidsCurrent--;
    }

    /// <summary>Charges a kernel object of a declared size. ENOMEM at a limit.</summary>
    public Errno ChargeKernelMemory(long bytes)
    {
        for (Cgroup? group = this; group is not null; group = group.Parent)
        {
            if (group.KernelMemory + bytes > group.KernelMemoryMaximum)
                return Errno.ENOMEM;
        }

        for (Cgroup? group = this; group is not null; group = group.Parent)
            group.KernelMemory += bytes;
        return Errno.Success;
    }

    public void UnchargeKernelMemory(long bytes)
    {
        for (Cgroup? group = this; group is not null; group = group.Parent)
            group.KernelMemory -= bytes;
    }

    public void ChargeFrames(long frames)
    {
        for (Cgroup? group = this; group is not null; group = group.Parent)
            group.FramesCharged += frames;
    }

    public void ChargeCpu(long nanoseconds)
    {
        for (Cgroup? group = this; group is not null; group = group.Parent)
            group.CpuTime += nanoseconds;
    }
}
