using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Mm;

/// <summary>
/// An address space (mm_struct's twin): VMAs over genuine page tables in guest RAM. Counted explicitly: tasks that
/// share it and kernel users each hold a reference; the last one frees VMAs, frames and tables.
/// </summary>
internal sealed partial class MmStruct
{
    /// <summary>The physical address of the PML4: CR3.</summary>
    public PhysAddr PageTableRoot { get; private set; }

    /// <summary>
    /// Copies out of user memory without faulting; stops at the first page that is not readable now.
    /// </summary>
    /// <returns>Bytes copied; fewer than asked means: await <see cref="FaultInAsync"/> for the next byte and go on.</returns>
    public int CopyFromUser(VirtAddr source, Span<byte> destination) => throw new NotSupportedException();

    /// <summary>Copies into user memory without faulting; sets accessed and dirty bits, drops decoded code, breaks nothing shared: a page that needs copy-on-write counts as not writable now.</summary>
    public int CopyToUser(VirtAddr destination, ReadOnlySpan<byte> source) => throw new NotSupportedException();

    /// <summary>Atomic compare-exchange of an aligned user word; false if the page must be faulted in first.</summary>
    public bool TryCompareExchange32(VirtAddr address, uint expected, uint value, out uint observed) => throw new NotSupportedException();

    /// <summary>Reads an aligned user word atomically; false if the page must be faulted in first.</summary>
    public bool TryRead32(VirtAddr address, out uint value) => throw new NotSupportedException();

    /// <summary>Makes the page at the address present (and writable), as an access there would. EFAULT if an access would get SIGSEGV or SIGBUS.</summary>
    public KTask<Errno> FaultInAsync(Task current, VirtAddr address, bool write) => throw new NotSupportedException();
}
