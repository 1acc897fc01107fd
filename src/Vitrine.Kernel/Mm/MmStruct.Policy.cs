using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Mm;

/// <content>Policies of mappings, and where pages are: mbind, set_mempolicy_home_node, move_pages.</content>
internal sealed partial class MmStruct
{
    /// <summary>Gives all mappings of a range a policy; only the default one may be given to a range with holes: else EFAULT.</summary>
    public Errno SetPolicy(VirtAddr start, VirtAddr end, MemoryPolicy? policy)
    {
        for (VirtAddr at = start; at < end && policy is not null;)
        {
            if (Areas.Find(at) is not { } area)
                return Errno.EFAULT;
            at = area.End;
        }

        return ForEachArea(start, end, area => SetPolicyOf(area, policy));
    }

    /// <summary>
    /// Names the node where the policies of a range begin. ENOENT if no mapping there has one, EOPNOTSUPP at one that has no
    /// place to begin.
    /// </summary>
    public Errno SetHomeNode(VirtAddr start, VirtAddr end, int node)
    {
        bool found = false;
        Errno error = ForEachArea(start, end, area =>
        {
            if (area.Policy is not { } policy)
                return Errno.Success;
            found = true;
            return policy.Mode is MemoryPolicyMode.Bind or MemoryPolicyMode.PreferredMany
                ? SetPolicyOf(area, policy with { HomeNode = node })
                : Errno.EOPNOTSUPP;
        });
        return error == Errno.Success && !found ? Errno.ENOENT : error;
    }

    /// <summary>The node of the page at an address: 0. ENOENT if there is none yet, EFAULT for no mapping and for the page of zeros.</summary>
    public unsafe Result<int> NodeOf(VirtAddr address)
    {
        if (Areas.Find(address) is not { } area || (area.Flags & (VmFlags.PfnMap | VmFlags.Io)) != 0)
            return Errno.EFAULT;
        ulong* slot = FindEntry(address.Value);
        if (slot is null || *slot == 0)
            return Errno.ENOENT;
        return (*slot & Pte.Special) != 0 ? Errno.EFAULT : MemoryPolicy.OnlyNode;
    }

    /// <summary>The node of the page at an address, which is made to be there.</summary>
    public async KTask<Result<int>> FaultNodeOfAsync(Task current, VirtAddr address)
    {
        Errno error = await FaultInAsync(current, address, write: false);
        return error == Errno.Success ? MemoryPolicy.OnlyNode : error;
    }

    private Errno SetPolicyOf(VmArea area, MemoryPolicy? policy)
    {
        area.Policy = policy;
        _ = Merge(area);
        return Errno.Success;
    }

    /// <summary>Cuts mappings at a range's bounds and visits those inside; the visitor may merge the one it sees.</summary>
    private Errno ForEachArea(VirtAddr start, VirtAddr end, Func<VmArea, Errno> visitor)
    {
        Errno error = SplitAround(start, end);
        VirtAddr at = start;
        while (error == Errno.Success && Areas.FirstEndingAfter(at) is var index && index < Areas.Count && Areas[index].Start < end)
        {
            VmArea area = Areas[index];
            at = area.End;
            error = visitor(area);
        }

        return error;
    }
}
