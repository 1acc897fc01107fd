namespace Vitrine.Kernel.Mm;

/// <summary>One mapping of an address space (vm_area_struct's twin).</summary>
internal sealed partial class VmArea
{
    public VirtAddr Start { get; set; }

    public VirtAddr End { get; set; }
}
