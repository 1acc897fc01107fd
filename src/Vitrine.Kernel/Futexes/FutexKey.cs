using Vitrine.Kernel.Mm;

namespace Vitrine.Kernel.Futexes;

/// <summary>
/// What two futex words must have in common to be the same futex: the address space and address of a private one, the
/// page cache and the offset in it of a shared one (union futex_key's twin).
/// </summary>
internal readonly record struct FutexKey(object Owner, ulong Offset)
{
    /// <summary>The key of an aligned word. EFAULT: nothing is mapped there.</summary>
    public static Errno Find(MmStruct mm, VirtAddr address, bool shared, out FutexKey key)
    {
        key = new FutexKey(mm, address.Value);
        if (!shared)
            return MmStruct.IsUserRange(address, sizeof(uint)) ? Errno.Success : Errno.EFAULT;
        Errno error = mm.FindFutexPage(address, out AddressSpace? space, out ulong index);
        if (space is not null)
            key = new FutexKey(space, (index << Page.Shift) + (ulong)address.PageOffset);
        return error;
    }
    /// <summary>The keys of two words; the first error.</summary>
    public static Errno FindBoth(
        MmStruct mm, VirtAddr first, bool firstIsShared, VirtAddr second, bool secondIsShared, out FutexKey firstKey, out FutexKey secondKey)
    {
        secondKey = default;
        Errno error = Find(mm, first, firstIsShared, out firstKey);
        return error != Errno.Success ? error : Find(mm, second, secondIsShared, out secondKey);
    }
}
