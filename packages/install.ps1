# Installs sevalla-deploy @TAG@ for one user of Windows, and takes the download
# only if its hash is the one below. Needs no administrator.
#
#   .\install.ps1 [FOLDER]      FOLDER defaults to %LOCALAPPDATA%\Programs\sevalla-deploy
#
# A release has this script with its own hash; .ci/release/packages fills it in.

# In a block, so that `irm | iex` leaves nothing in the session, and a script that
# arrived in part does nothing.
& {
  param([string] $Folder = (Join-Path $env:LOCALAPPDATA 'Programs\sevalla-deploy'))
  $ErrorActionPreference = 'Stop'
  $ProgressPreference = 'SilentlyContinue' # drawing the bar takes longer than the download

  $from = '@URL@'
  $file = 'sevalla-deploy-@TAG@-x86_64-pc-windows-msvc.zip'
  $hash = '@HASH x86_64-pc-windows-msvc@'

  # The parameters for the proxy of an address. NO_PROXY has names, also of what is
  # above them, with or without a dot or a port, or `*`. Without any, Windows' own
  # settings apply: before PowerShell 7 nothing turns them off.
  function Get-Proxy([Uri] $Address) {
    foreach ($name in "$env:NO_PROXY" -split '[,\s]+') {
      $name = $name -replace '^\.' -replace ':\d+$'
      $is_of_it = ".$($Address.Host)".EndsWith(".$name", [StringComparison]::OrdinalIgnoreCase)
      if ($name -and ($is_of_it -or $name -eq '*')) { return @{} }
    }
    $proxy = if ($Address.Scheme -eq 'http') { $env:HTTP_PROXY } else { $env:HTTPS_PROXY }
    if (-not $proxy) { $proxy = $env:ALL_PROXY }
    if (-not $proxy) { return @{} }
    $proxy = [UriBuilder] $(if ($proxy -match '://') { $proxy } else { "http://$proxy" })
    $found = @{}
    # PowerShell reads no name and password in the address.
    if ($proxy.UserName) {
      $name = [Uri]::UnescapeDataString($proxy.UserName)
      $password = (New-Object Net.NetworkCredential $name, ([Uri]::UnescapeDataString($proxy.Password))).SecurePassword
      $found.ProxyCredential = New-Object Management.Automation.PSCredential $name, $password
      $proxy.UserName = $proxy.Password = ''
    }
    $found.Proxy = $proxy.Uri
    $found
  }

  # Not Get-FileHash, which Windows PowerShell does not find if a newer one started it.
  function Get-Sha256([string] $Path) {
    $stream = [IO.File]::OpenRead($Path)
    try {
      [BitConverter]::ToString([Security.Cryptography.SHA256]::Create().ComputeHash($stream)) -replace '-'
    } finally { $stream.Dispose() }
  }

  if ($from -like '@*') { throw 'This copy belongs to no release: download the one of a release' }
  if ($env:SEVALLA_DEPLOY_FROM) { $from = $env:SEVALLA_DEPLOY_FROM.TrimEnd('/') }
  if ($from -match '@') { throw 'SEVALLA_DEPLOY_FROM contains an @. It must have no user name or password; in a path, write %40' }
  if ($from -notmatch '^(https?|file)://') { throw "SEVALLA_DEPLOY_FROM is not the address of a folder: $from" }
  $program = Join-Path $Folder 'sevalla-deploy.exe'
  if (Test-Path -LiteralPath $program -PathType Container) { throw "$program is a folder. Nothing was installed" }

  $protocols = [Net.ServicePointManager]::SecurityProtocol
  $scratch = (New-Item -ItemType Directory (Join-Path ([IO.Path]::GetTempPath()) ([Guid]::NewGuid()))).FullName
  try {
    # Windows PowerShell starts with older versions of TLS, and knows no proxy variables.
    [Net.ServicePointManager]::SecurityProtocol = $protocols -bor [Net.SecurityProtocolType]::Tls12
    $archive = Join-Path $scratch $file
    $request = @{ Uri = "$from/$file"; OutFile = $archive; UseBasicParsing = $true; TimeoutSec = 120 }
    $request += Get-Proxy $request.Uri
    # One retry, also for what arrived in part.
    foreach ($attempt in 1, 2) {
      try {
        Invoke-WebRequest @request
        if ((Get-Sha256 $archive) -eq $hash) { break }
        throw "$from/$file is not the file that was released: its hash is different. Nothing was installed"
      } catch {
        if ($attempt -eq 2) { throw }
        Start-Sleep -Seconds 1
      }
    }
    Add-Type -AssemblyName System.IO.Compression.FileSystem
    [IO.Compression.ZipFile]::ExtractToDirectory($archive, $scratch)
    $unpacked = Join-Path $scratch 'sevalla-deploy.exe'
    $version = & $unpacked --version
    if ($LASTEXITCODE -ne 0 -or -not $version) { throw "The program cannot be run in $scratch. Nothing was installed" }
    $null = New-Item -ItemType Directory -Force $Folder
    Move-Item -LiteralPath $unpacked $program -Force
  } finally {
    [Net.ServicePointManager]::SecurityProtocol = $protocols
    Remove-Item -LiteralPath $scratch -Recurse -Force -ErrorAction SilentlyContinue
  }
  Write-Output "Installed $version as $program"
  if (($env:PATH -split ';') -notcontains $Folder) { Write-Output "Add $Folder to PATH to run it by its name" }
} @args
