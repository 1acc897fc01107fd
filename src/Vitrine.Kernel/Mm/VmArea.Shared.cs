namespace Vitrine.Kernel.Mm;

/// <content>Shared memory without a file.</content>
internal sealed partial class VmArea
{
    /// <summary>Gives the mapping an object of its own, as MAP_SHARED|MAP_ANONYMOUS and a shared map of /dev/zero have. ENOMEM.</summary>
    public Errno SetAnonymousShared(KernelInstance kernel)
    {
        Result<ShmemSpace> made = ShmemSpace.CreateAnonymous(kernel, (long)Length, account: false);
        if (!made.TryGet(out ShmemSpace? space, out Errno error))
            return error;
        PageOffset = 0;
        SetMapping(space);
        space.Unpin();
        return Errno.Success;
    }
}
