using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.Process;

/// <summary>/proc/PID/net: what the network namespace has. There are no devices and no protocols but Unix sockets yet.</summary>
internal sealed class NetDirectory(ProcessContext context) : StaticDirectory(context.SuperBlock, Entries)
{
    private static readonly StaticEntry[] Entries =
    [
        new("unix", FileMode.Regular, sb => new SimpleText(sb, TextInode.ReadOnlyMode, Unix)),
    ];

    private static void Unix(Task current, GeneratedText text)
    {
        text.Append("Num       RefCount Protocol Flags    Type St Inode Path\n");
        foreach (KeyValuePair<string, Vitrine.Kernel.Net.Unix.UnixSocket> entry in current.Namespaces.Net.AbstractNames)
        {
            text.Append("0000000000000000: 00000002 00000000 ").Append(entry.Value.IsListening ? "00010000" : "00000000").Append(' ');
            text.AppendHex((ulong)entry.Value.Type, 4).Append(" 01 0 @").Line(entry.Key[3..].Replace('\0', '@'));
        }
    }
}
