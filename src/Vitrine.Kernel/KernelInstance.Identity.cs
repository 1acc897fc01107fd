using Vitrine.Hardware;

namespace Vitrine.Kernel;

/// <content>What identifies this boot, and the meters that /proc shows.</content>
internal sealed partial class KernelInstance
{
    private string? _bootId;

    /// <summary>What kcmp(2) compares by.</summary>
    public ObjectNumbers ObjectNumbers => field ??= new ObjectNumbers();

    /// <summary>The kernel command line (/proc/cmdline).</summary>
    public string CommandLine { get; set; } = "vitrine";

    /// <summary>A random UUID of this boot (/proc/sys/kernel/random/boot_id).</summary>
    public string BootId => _bootId ??= RandomUuid(Entropy);

    /// <summary>Interrupts taken: timer expiries that kicked a processor and completions of the host.</summary>
    public long InterruptCount => Interrupts.Handled + Tick.Ticks;

    /// <summary>The task on whose behalf the calling host thread is in the kernel; null outside of one.</summary>
    public Tasks.Task? CurrentTask
    {
        get
        {
            foreach (Sched.Processor processor in Processors)
            {
                if (processor.IsThisThread)
                    return processor.Current;
            }

            return null;
        }
    }

    /// <summary>A version 4 UUID (RFC 9562) from the machine's entropy.</summary>
    public static string RandomUuid(IEntropyDevice entropy)
    {
        Span<byte> bytes = stackalloc byte[16];
        entropy.Fill(bytes);
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true).ToString();
    }
}
