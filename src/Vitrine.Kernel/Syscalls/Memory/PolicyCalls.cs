using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Memory;

/// <summary>
/// numa(7), on a machine with one node: policies are kept and told, pages are where they are: get_mempolicy(2),
/// set_mempolicy(2), mbind(2), set_mempolicy_home_node(2), migrate_pages(2), move_pages(2).
/// </summary>
internal static class PolicyCalls
{
    private const int WordBits = 64;

    [Syscall(238, "set_mempolicy", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SetMemPolicy(Task current, uint mode, UserPtr<ulong> nodes, ulong maximum)
    {
        Result<MemoryPolicy?> made = await ReadPolicyAsync(current, mode, nodes, maximum);
        if (!made.TryGet(out MemoryPolicy? policy, out Errno error))
            return error;
        current.MemoryPolicy = policy;
        return 0;
    }

    [Syscall(239, "get_mempolicy", SyscallSupport.Real)]
    public static async KTask<SyscallResult> GetMemPolicy(
        Task current, UserPtr<int> mode, UserPtr<ulong> nodes, ulong maximum, VirtAddr address, MemoryPolicyQuery query)
    {
        const MemoryPolicyQuery known = MemoryPolicyQuery.Node | MemoryPolicyQuery.Address | MemoryPolicyQuery.MemoriesAllowed;
        if ((!nodes.IsNull && maximum < 1) || (query & ~known) != 0)
            return Errno.EINVAL;
        MemoryPolicy? policy = current.MemoryPolicy;
        int told;
        ulong mask;
        if ((query & MemoryPolicyQuery.MemoriesAllowed) != 0)
        {
            if ((query & (MemoryPolicyQuery.Node | MemoryPolicyQuery.Address)) != 0)
                return Errno.EINVAL;
            told = 0;
            mask = MemoryPolicy.OnlineNodes;
        }
        else
        {
            if ((query & MemoryPolicyQuery.Address) != 0)
            {
                if (current.Mm!.Areas.Find(address) is not { } area)
                    return Errno.EFAULT;
                policy = area.Policy;
            }
            else if (address.Value != 0)
            {
                return Errno.EINVAL;
            }

            mask = policy is null ? 0 : (policy.Flags & MemoryPolicyFlags.KeepsNodes) != 0 ? policy.UserNodes : policy.Nodes;
            told = policy is null ? 0 : (int)policy.Mode | (int)policy.Flags;
            if ((query & MemoryPolicyQuery.Node) != 0)
            {
                Result<int> node = (query & MemoryPolicyQuery.Address) != 0
                    ? await current.Mm!.FaultNodeOfAsync(current, address)
                    : policy is { Mode: MemoryPolicyMode.Interleave or MemoryPolicyMode.WeightedInterleave } ? MemoryPolicy.OnlyNode : Errno.EINVAL;
                if (!node.TryGet(out told, out Errno failed))
                    return failed;
            }
        }

        Errno error = mode.IsNull ? Errno.Success : await current.WriteUserAsync(mode, told);
        return error == Errno.Success && !nodes.IsNull ? await WriteNodesAsync(current, nodes, maximum, mask) : error;
    }

    [Syscall(237, "mbind", SyscallSupport.Real, Note = "a policy of shared memory belongs to the mapping, not to the memory")]
    public static async KTask<SyscallResult> Mbind(
        Task current, VirtAddr start, ulong length, uint mode, UserPtr<ulong> nodes, ulong maximum, PageMoveFlags flags)
    {
        Errno error = MemoryPolicy.Check(mode);
        if (error != Errno.Success)
            return error;
        Result<ulong> named = await ReadNodesAsync(current, nodes, maximum);
        if (!named.TryGet(out ulong mask, out error))
            return error;
        if ((flags & ~(PageMoveFlags.Strict | PageMoveFlags.Move | PageMoveFlags.MoveAll)) != 0)
            return Errno.EINVAL;
        if ((flags & PageMoveFlags.MoveAll) != 0 && !current.IsCapable(Capability.SysNice))
            return Errno.EPERM;
        ulong bytes = Page.AlignUp(length);
        if (!start.IsPageAligned || start.Value + bytes < start.Value)
            return Errno.EINVAL;
        if (bytes == 0)
            return 0;
        Result<MemoryPolicy?> made = MemoryPolicy.Create(mode, mask);
        return made.TryGet(out MemoryPolicy? policy, out error) ? current.Mm!.SetPolicy(start, start + bytes, policy) : error;
    }

    [Syscall(450, "set_mempolicy_home_node", SyscallSupport.Real)]
    public static SyscallResult SetMemPolicyHomeNode(Task current, VirtAddr start, ulong length, ulong node, ulong flags)
    {
        if (!start.IsPageAligned || flags != 0 || node >= MemoryPolicy.MaximumNodes || (MemoryPolicy.OnlineNodes >> (int)node & 1) == 0)
            return Errno.EINVAL;
        ulong bytes = Page.AlignUp(length);
        if (start.Value + bytes < start.Value)
            return Errno.EINVAL;
        return bytes == 0 ? 0 : current.Mm!.SetHomeNode(start, start + bytes, (int)node);
    }

    [Syscall(256, "migrate_pages", SyscallSupport.Real)]
    public static async KTask<SyscallResult> MigratePages(Task current, int pid, ulong maximum, UserPtr<ulong> from, UserPtr<ulong> to)
    {
        Result<ulong> old = await ReadNodesAsync(current, from, maximum);
        if (!old.Ok)
            return old.Error;
        Result<ulong> wanted = await ReadNodesAsync(current, to, maximum);
        if (!wanted.TryGet(out ulong nodes, out Errno error))
            return error;
        if (FindTask(current, pid) is not { } task)
            return Errno.ESRCH;
        if (!PtraceAccess.MayRead(current, task, realIds: true))
            return Errno.EPERM;
        if ((nodes & ~MemoryPolicy.OnlineNodes) != 0 && !current.IsCapable(Capability.SysNice))
            return Errno.EPERM;
        // Nothing is left behind: where pages are is the only place there is.
        return (nodes & MemoryPolicy.OnlineNodes) == 0 || task.Mm is null ? Errno.EINVAL : 0;
    }

    [Syscall(279, "move_pages", SyscallSupport.Real)]
    public static async KTask<SyscallResult> MovePages(
        Task current, int pid, ulong count, UserPtr<ulong> pages, UserPtr<int> nodes, UserPtr<int> status, PageMoveFlags flags)
    {
        if ((flags & ~(PageMoveFlags.Move | PageMoveFlags.MoveAll)) != 0)
            return Errno.EINVAL;
        if ((flags & PageMoveFlags.MoveAll) != 0 && !current.IsCapable(Capability.SysNice))
            return Errno.EPERM;
        if (FindTask(current, pid) is not { } task)
            return Errno.ESRCH;
        if (!PtraceAccess.MayRead(current, task, realIds: true))
            return Errno.EPERM;
        if (task.Mm is not { } target)
            return Errno.EINVAL;
        MmStruct mm = target.Get();
        Errno error = Errno.Success;
        for (ulong i = 0; i < count && error == Errno.Success && !current.IsFatalSignalPending; i++)
        {
            error = await TellPageAsync(current, mm, (int)i, pages, nodes, status);
            if ((i & 0xfff) == 0xfff)
                await current.RescheduleAsync();
        }

        mm.Put();
        return error;
    }

    private static async KTask<Errno> TellPageAsync(
        Task current, MmStruct mm, int index, UserPtr<ulong> pages, UserPtr<int> nodes, UserPtr<int> status)
    {
        Result<ulong> page = await current.ReadUserAsync(pages.Element((uint)index));
        if (!page.TryGet(out ulong address, out Errno error))
            return error;
        if (!nodes.IsNull)
        {
            Result<int> node = await current.ReadUserAsync(nodes.Element((uint)index));
            if (!node.TryGet(out int wanted, out error))
                return error;
            if (wanted is < 0 or >= MemoryPolicy.MaximumNodes || (MemoryPolicy.OnlineNodes >> wanted & 1) == 0)
                return Errno.ENODEV;
        }

        Result<int> found = mm.NodeOf(new VirtAddr(address));
        return await current.WriteUserAsync(status.Element((uint)index), found.Ok ? found.Value : -(int)found.Error);
    }

    private static async KTask<Result<MemoryPolicy?>> ReadPolicyAsync(Task current, uint mode, UserPtr<ulong> nodes, ulong maximum)
    {
        Errno error = MemoryPolicy.Check(mode);
        if (error != Errno.Success)
            return error;
        Result<ulong> named = await ReadNodesAsync(current, nodes, maximum);
        return named.TryGet(out ulong mask, out error) ? MemoryPolicy.Create(mode, mask) : error;
    }

    /// <summary>
    /// Reads a set of nodes of one bit less than it says. EINVAL for more than a page of it, and for nodes that no machine has.
    /// </summary>
    private static async KTask<Result<ulong>> ReadNodesAsync(Task current, UserPtr<ulong> nodes, ulong maximum)
    {
        ulong bits = maximum - 1;
        if (maximum == 0 || bits == 0 || nodes.IsNull)
            return 0UL;
        if (bits > Page.Size * 8)
            return Errno.EINVAL;
        ulong words = (bits + WordBits - 1) / WordBits;
        for (ulong i = words; i-- > 0;)
        {
            Result<ulong> read = await current.ReadUserAsync(nodes.Element((uint)i));
            if (!read.TryGet(out ulong word, out Errno error))
                return error;
            if (i == words - 1 && bits % WordBits != 0)
                word &= (1UL << (int)(bits % WordBits)) - 1;
            if (i == 0)
                return word;
            if (word != 0)
                return Errno.EINVAL;
        }

        return 0UL;
    }

    /// <summary>Writes a set of nodes into the caller's, which is longer: the rest becomes zero.</summary>
    private static async KTask<Errno> WriteNodesAsync(Task current, UserPtr<ulong> nodes, ulong maximum, ulong mask)
    {
        ulong words = (maximum - 1 + WordBits - 1) / WordBits;
        if (words * sizeof(ulong) > Page.Size)
            return Errno.EINVAL;
        byte[] bytes = new byte[words * sizeof(ulong)];
        if (bytes.Length != 0)
            BitConverter.TryWriteBytes(bytes, mask);
        return await current.WriteUserBytesAsync(nodes.Address, bytes);
    }

    private static Task? FindTask(Task current, int pid) => pid == 0 ? current : current.Namespaces.Pid.Find(pid)?.Task;
}
