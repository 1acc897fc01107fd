using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Vitrine.Abi;
using Vitrine.Cpu;
using Vitrine.Hardware;
using Vitrine.Hardware.Host;
using Vitrine.Kernel;
using Vitrine.Kernel.Digests;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Security;

namespace Vitrine.Hosting;

/// <summary>Puts a machine together from its parts. The one place that knows all of them; an explicit list, no reflection.</summary>
internal static class MachineAssembler
{
    private const long LeastMemory = 16L << 20;
    private const int MostProcessors = 64;
    private const int HostNameLength = 64;

    public static RunningMachine Assemble(MachineOptions options)
    {
        Check(options);
        GuestRam ram;
        try
        {
            ram = GuestRam.Create((ulong)options.Memory);
        }
        catch (OutOfMemoryException exception)
        {
            throw new VitrineException(VitrineFailure.HostRefused, exception.Message, exception);
        }

        IEntropyDevice entropy = options.Seed is { } seed ? new SeededEntropy(seed) : new HostEntropy();
        TranslationPolicy translation = options.Engine == ProcessorEngine.Interpreter ? default : options.TranslatesAtOnce ? TranslationPolicy.AtOnce : TranslationPolicy.WhenWarm;
        var complex = new ProcessorComplex(ram.Memory, translation, (CpuLevel)options.ProcessorLevel) { Entropy = () => NextNumber(entropy) };
        var processors = new VirtualProcessor[options.Processors];
        for (int i = 0; i < processors.Length; i++)
            processors[i] = complex.CreateProcessor();
        VirtualClock? clock = null;
        if (options.Seed is not null)
        {
            clock = new VirtualClock(processors[0]);
            complex.TimeStamp = () => (ulong)clock.MonotonicNanoseconds;
        }

        var kernel = new KernelInstance(new KernelOptions
        {
            Ram = ram.Memory,
            RamDevice = ram,
            Complex = complex,
            Processors = processors,
            Clock = (IClockDevice?)clock ?? new HostClock(),
            VirtualClock = clock,
            Entropy = entropy,
            HostName = options.Hostname,
            YieldSeed = options.YieldSeed,
        });
        // Kernel objects live in the host's managed heap: what they are declared to cost is bounded like the guest's RAM is.
        kernel.RootCgroup.KernelMemoryMaximum = options.Memory / 2;
        if (options.HashesState)
            kernel.Digests = new StateDigests(kernel, options.StateHashInterval, options.StateHashStart, digest => options.StateHashed?.Invoke(new StateHash(digest)));
        Credentials credentials = CredentialsOf(options.Identity, kernel.InitUserNamespace);
        var tree = new FileTree(kernel, options, credentials);
        return new RunningMachine(options, kernel, ram, credentials, tree.MountAsync);
    }

    private static ulong NextNumber(IEntropyDevice entropy)
    {
        ulong number = 0;
        entropy.Fill(MemoryMarshal.AsBytes(new Span<ulong>(ref number)));
        return number;
    }

    private static void Check(MachineOptions options)
    {
        if (options.ProcessorLevel is < ProcessorLevel.X8664V2 or > ProcessorLevel.Maximum)
            throw new VitrineException(VitrineFailure.InvalidOption, $"there is no processor level {(int)options.ProcessorLevel}");
        if (options.Memory < LeastMemory)
            throw new VitrineException(VitrineFailure.InvalidOption, $"a machine needs at least {LeastMemory >> 20} MiB of memory");
        if (options.Processors is < 1 or > MostProcessors)
            throw new VitrineException(VitrineFailure.InvalidOption, $"a machine has 1 to {MostProcessors} processors, not {options.Processors}");
        if (options is { Seed: not null, Processors: > 1 })
            throw new VitrineException(VitrineFailure.InvalidOption, "a machine with a seed has one processor: several would run as the host lets them");
        if (options is { HashesState: true, Seed: null })
            throw new VitrineException(VitrineFailure.InvalidOption, "hashes of the state need a seed: without one no two runs are in the same state");
        if (options.Hostname.Length is 0 or > HostNameLength)
            throw new VitrineException(VitrineFailure.InvalidOption, $"a host name has 1 to {HostNameLength} bytes");
        if (options.Timeout is { } timeout && timeout <= TimeSpan.Zero)
            throw new VitrineException(VitrineFailure.InvalidOption, "a time limit must be longer than nothing");
    }

    private static unsafe Credentials CredentialsOf(GuestIdentity identity, UserNamespace ns)
    {
        if (identity == GuestIdentity.Root)
            return Credentials.ForUser(ns, Uid.Root, Gid.Root, [Gid.Root]);
        uint* ids = stackalloc uint[1024];
        int count = Libc.GetGroups(1024, ids);
        ImmutableArray<Gid>.Builder groups = ImmutableArray.CreateBuilder<Gid>(Math.Max(count, 0));
        for (int i = 0; i < count; i++)
            groups.Add(new Gid(ids[i]));
        return Credentials.ForUser(ns, new Uid(Libc.GetUid()), new Gid(Libc.GetGid()), groups.ToImmutable());
    }
}
