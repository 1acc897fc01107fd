using Vitrine.Kernel;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc;

/// <summary>procfs (proc(5)): the kernel's state as files. Every value is read from the kernel when the file is read.</summary>
internal sealed class ProcFileSystem : FileSystemType
{
    public override string Name => "proc";

    public override Errno CheckOption(Task current, string option) => ProcOptions.Parse(option).Error;

    public override KTask<Result<SuperBlock>> MountAsync(Task current, string source, MountFlags flags, string options)
    {
        Result<ProcOptions> parsed = ProcOptions.Parse(options);
        if (!parsed.Ok)
            return KTask<Result<SuperBlock>>.FromResult(parsed.Error);
        return KTask<Result<SuperBlock>>.FromResult(new ProcSuperBlock(this, current.Kernel, current.Namespaces.Pid, parsed.Value) { Source = source });
    }
}

/// <summary>Mount options: hidepid, gid (proc(5)).</summary>
internal sealed record ProcOptions
{
    public int HidePid { get; init; }

    public Gid Gid { get; init; }

    public static Result<ProcOptions> Parse(string options)
    {
        var result = new ProcOptions();
        foreach (string option in options.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = option.IndexOf('=', StringComparison.Ordinal);
            string value = equals < 0 ? "" : option[(equals + 1)..];
            switch (equals < 0 ? option : option[..equals])
            {
                case "hidepid" when value is "0" or "off":
                    result = result with { HidePid = 0 };
                    break;
                case "hidepid" when value is "1" or "noaccess":
                    result = result with { HidePid = 1 };
                    break;
                case "hidepid" when value is "2" or "invisible":
                    result = result with { HidePid = 2 };
                    break;
                case "gid" when uint.TryParse(value, out uint gid):
                    result = result with { Gid = new Gid(gid) };
                    break;
                default:
                    return Errno.EINVAL;
            }
        }

        return result;
    }
}

/// <summary>One procfs: it shows the processes of one pid namespace.</summary>
internal sealed class ProcSuperBlock : GeneratedSuperBlock
{
    public ProcSuperBlock(FileSystemType type, KernelInstance kernel, PidNamespace pids, ProcOptions options)
        : base(type, kernel)
    {
        Pids = pids;
        Options = options;
        BlockSize = 1024;
        Root = Dentry.CreateRoot(new ProcRoot(this));
    }

    public PidNamespace Pids { get; }

    public ProcOptions Options { get; }

    protected override long Magic => 0x9fa0;

    public override string ShowOptions() =>
        (Options.Gid.Value != 0 ? ",gid=" + Options.Gid.Value : "") + Options.HidePid switch { 1 => ",hidepid=noaccess", 2 => ",hidepid=invisible", _ => "" };
}
