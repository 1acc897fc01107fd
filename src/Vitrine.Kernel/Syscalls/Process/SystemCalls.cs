using System.Text;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Process;

/// <summary>What the machine is: uname, host and domain name, sysinfo, getrandom.</summary>
internal static class SystemCalls
{
    private const int NameLimit = 64;

    [Syscall(63, "uname", SyscallSupport.Real)]
    public static KTask<SyscallResult> Uname(Task current, [Strace("utsname")] UserPtr<UtsName> buffer) => UnameAsync(current, buffer);

    [Syscall(170, "sethostname", SyscallSupport.Real)]
    public static KTask<SyscallResult> SetHostName(Task current, VirtAddr name, int length) => SetNameAsync(current, name, length, domain: false);

    [Syscall(171, "setdomainname", SyscallSupport.Real)]
    public static KTask<SyscallResult> SetDomainName(Task current, VirtAddr name, int length) => SetNameAsync(current, name, length, domain: true);

    [Syscall(99, "sysinfo", SyscallSupport.Real)]
    public static async KTask<SyscallResult> SysInfo(Task current, UserPtr<SystemInformation> information) =>
        await current.WriteUserAsync(information, Collect(current.Kernel));

    [Syscall(318, "getrandom", SyscallSupport.Real)]
    public static async KTask<SyscallResult> GetRandom(Task current, VirtAddr buffer, ulong length, uint flags)
    {
        const uint nonBlock = 1, random = 2, insecure = 4;
        if ((flags & ~(nonBlock | random | insecure)) != 0 || (flags & (random | insecure)) == (random | insecure))
            return Errno.EINVAL;
        ulong left = Math.Min(length, int.MaxValue & ~0xfffUL);
        byte[] chunk = new byte[(int)Math.Min(left, Page.Size)];
        long done = 0;
        while (left > 0)
        {
            int count = (int)Math.Min(left, (ulong)chunk.Length);
            current.Kernel.Entropy.Fill(chunk.AsSpan(0, count));
            Errno error = await current.WriteUserBytesAsync(buffer + (ulong)done, chunk.AsMemory(0, count));
            if (error != Errno.Success)
                return done > 0 ? done : error;
            done += count;
            left -= (ulong)count;
            // Large requests can be interrupted between pages.
            if (left > 0 && current.HasInterruptingWork)
                break;
        }

        return done;
    }

    private static async KTask<SyscallResult> UnameAsync(Task current, UserPtr<UtsName> buffer)
    {
        UtsNamespace uts = current.Namespaces.Uts;
        var name = default(UtsName);
        name.Set(0, KernelVersion.OsType);
        name.Set(1, uts.NodeName);
        name.Set(2, (current.Personality & 0x0020000) != 0 ? KernelVersion.Release26 : KernelVersion.Release);
        name.Set(3, KernelVersion.Version);
        // PER_LINUX32 shows the 32-bit machine.
        name.Set(4, (current.Personality & 0xff) == 8 ? "i686" : KernelVersion.Machine);
        name.Set(5, uts.DomainName);
        return await current.WriteUserAsync(buffer, name);
    }

    private static async KTask<SyscallResult> SetNameAsync(Task current, VirtAddr name, int length, bool domain)
    {
        UtsNamespace uts = current.Namespaces.Uts;
        if (!current.Credentials.IsCapable(uts.Owner!, Capability.SysAdmin))
            return Errno.EPERM;
        if (length is < 0 or > NameLimit)
            return Errno.EINVAL;
        byte[] bytes = new byte[length];
        Errno error = await current.ReadUserBytesAsync(name, bytes);
        if (error != Errno.Success)
            return error;
        int end = bytes.AsSpan().IndexOf((byte)0);
        string text = Encoding.UTF8.GetString(bytes, 0, end < 0 ? length : end);
        if (domain)
            uts.DomainName = text;
        else
            uts.NodeName = text;
        return 0;
    }

    private static SystemInformation Collect(KernelInstance kernel)
    {
        Mm.PhysicalMemory memory = kernel.Memory;
        return new SystemInformation
        {
            // Linux rounds up.
            Uptime = (kernel.Time.Now.Nanoseconds + Kernel.Time.Ktime.NanosecondsPerSecond - 1) / Kernel.Time.Ktime.NanosecondsPerSecond,
            Load1 = kernel.Scheduler.Load.One << 5,
            Load5 = kernel.Scheduler.Load.Five << 5,
            Load15 = kernel.Scheduler.Load.Fifteen << 5,
            TotalRam = (ulong)memory.TotalFrames << Page.Shift,
            FreeRam = (ulong)memory.FreeFrames << Page.Shift,
            SharedRam = (ulong)memory.Vm[Mm.VmCounter.Shmem] << Page.Shift,
            BufferRam = 0,
            Processes = (ushort)Math.Min(kernel.Tasks.Count, ushort.MaxValue),
            Unit = 1,
        };
    }
}
